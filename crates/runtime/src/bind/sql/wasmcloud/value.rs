//! Values in wasmCloud's types, in which a floating-point number is a mantissa, a power of two and
//! a sign.

use keyway_capability::sql::{Column, Date as OwnDate, Time as OwnTime, Value};

use super::{
    PgValue,
    types::{Date, HashableF64, MacAddressEui48, Offset, Time, Timestamp, TimestampTz},
};

/// A parameter, or why it is none.
pub(super) fn parameter(value: PgValue) -> Result<Value, String> {
    let some = |numbers: Vec<i32>| numbers.into_iter().map(Some).collect();
    let texts = |texts: Vec<String>| texts.into_iter().map(Some).collect();
    Ok(match value {
        PgValue::Null => Value::Null,
        PgValue::Bool(boolean) | PgValue::Boolean(boolean) => Value::Boolean(boolean),
        PgValue::SmallInt(number)
        | PgValue::Int2(number)
        | PgValue::SmallSerial(number)
        | PgValue::Serial2(number) => Value::Int16(number),
        PgValue::Integer(number) | PgValue::Int(number) | PgValue::Int4(number) => {
            Value::Int32(number)
        }
        PgValue::BigInt(number)
        | PgValue::Int8(number)
        | PgValue::BigSerial(number)
        | PgValue::Serial8(number)
        | PgValue::TxidSnapshot(number) => Value::Int64(number),
        PgValue::Serial(number) | PgValue::Serial4(number) => Value::Int64(number.into()),
        PgValue::Real(parts) | PgValue::Float4(parts) => Value::Float32(single(parts)),
        PgValue::Double(parts) | PgValue::Float8(parts) => Value::Float64(double(parts)),
        PgValue::Numeric(text) | PgValue::Decimal(text) | PgValue::Money(text) => {
            Value::Decimal(text)
        }
        PgValue::Bytea(bytes) => Value::Blob(bytes),
        PgValue::Char((_, bytes)) => Value::Text(text(bytes)?),
        PgValue::Varchar((_, bytes)) => Value::Text(text(bytes)?),
        PgValue::Cidr(text)
        | PgValue::Inet(text)
        | PgValue::Name(text)
        | PgValue::Text(text)
        | PgValue::Xml(text)
        | PgValue::TsQuery(text) => Value::Text(text),
        PgValue::Json(text) | PgValue::Jsonb(text) => Value::Json(text),
        PgValue::Uuid(text) => Value::Uuid(text),
        PgValue::Macaddr(MacAddressEui48 { bytes: (a, b, c, d, e, f) }) => {
            Value::Text(format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"))
        }
        PgValue::Date(date) => self::date(date)?,
        PgValue::Time(time) => Value::Time(self::time(&time)?),
        PgValue::Timestamp(moment) => self::moment(&moment)?,
        PgValue::TimestampTz(moment) => zoned(&moment)?,
        PgValue::Int2Array(numbers) => {
            Value::ArrayInt32(numbers.into_iter().map(|number| Some(number.into())).collect())
        }
        PgValue::Int4Array(numbers) => Value::ArrayInt32(some(numbers)),
        PgValue::Int8Array(numbers) => Value::ArrayInt64(numbers.into_iter().map(Some).collect()),
        PgValue::NumericArray(all) => Value::ArrayDecimal(texts(all)),
        PgValue::TextArray(all)
        | PgValue::NameArray(all)
        | PgValue::UuidArray(all)
        | PgValue::InetArray(all)
        | PgValue::CidrArray(all)
        | PgValue::JsonArray(all)
        | PgValue::JsonbArray(all) => Value::ArrayText(texts(all)),
        _ => {
            return Err(
                "Keyway does not support parameters of this type; pass it as text".to_owned()
            );
        }
    })
}

/// A value of an answer, or why it cannot be said.
pub(super) fn of_answer(column: &Column, value: Value) -> Result<PgValue, String> {
    let native = column.native_type.as_str();
    Ok(match value {
        Value::Null => PgValue::Null,
        Value::Boolean(boolean) => PgValue::Bool(boolean),
        Value::Int8(number) => PgValue::Char((1, vec![number.cast_unsigned()])),
        Value::Int16(number) => PgValue::Int2(number),
        Value::Int32(number) => PgValue::Int4(number),
        Value::Int64(number) => PgValue::Int8(number),
        Value::Float32(number) => PgValue::Float4(parts_of_single(number)),
        Value::Float64(number) => PgValue::Float8(parts_of_double(number)),
        Value::Text(text) => match native {
            "varchar" => PgValue::Varchar((None, text.into_bytes())),
            "bpchar" => PgValue::Char((u32::try_from(text.len()).unwrap_or(0), text.into_bytes())),
            "name" => PgValue::Name(text),
            _ => PgValue::Text(text),
        },
        Value::Blob(bytes) => PgValue::Bytea(bytes),
        Value::Uuid(text) => PgValue::Uuid(text),
        Value::Json(text) if native == "json" => PgValue::Json(text),
        Value::Json(text) => PgValue::Jsonb(text),
        Value::Decimal(text) => PgValue::Numeric(text),
        Value::Date(date) => PgValue::Date(said_date(date)),
        Value::Time(time) => PgValue::Time(said_time(time)),
        Value::DateTime(date, time) => PgValue::Timestamp(said_moment(date, time)),
        Value::Timestamp(micros) => {
            let (date, time) = keyway_capability::sql::postgres::date_time(micros);
            let timestamp = said_moment(date, time);
            PgValue::TimestampTz(TimestampTz {
                timestamp,
                offset: Offset::EasternHemisphereSecs(0),
            })
        }
        Value::ArrayInt32(all) => PgValue::Int4Array(without_nulls(all)?),
        Value::ArrayInt64(all) => PgValue::Int8Array(without_nulls(all)?),
        Value::ArrayDecimal(all) => PgValue::NumericArray(without_nulls(all)?),
        Value::ArrayText(all) => PgValue::TextArray(without_nulls(all)?),
        Value::Interval { .. }
        | Value::RangeInt32(_)
        | Value::RangeInt64(_)
        | Value::RangeDecimal(_)
        | Value::Other(_) => {
            return Err(format!("the interface has no such type; ask for `{native}` as text"));
        }
    })
}

fn without_nulls<T>(all: Vec<Option<T>>) -> Result<Vec<T>, String> {
    let none = "the array contains a null, which the interface cannot express";
    all.into_iter().collect::<Option<_>>().ok_or_else(|| none.to_owned())
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

fn date(date: Date) -> Result<Value, String> {
    Ok(match date {
        Date::PositiveInfinity => Value::Text("infinity".to_owned()),
        Date::NegativeInfinity => Value::Text("-infinity".to_owned()),
        Date::Ymd(_) => Value::Date(day(&date)?),
    })
}

fn day(date: &Date) -> Result<OwnDate, String> {
    let wrong = || "it is not a date".to_owned();
    let Date::Ymd((year, month, day)) = *date else { return Err(wrong()) };
    let (month, day) = (month.try_into(), day.try_into());
    Ok(OwnDate { year, month: month.map_err(|_| wrong())?, day: day.map_err(|_| wrong())? })
}

fn time(Time { hour, min, sec, micro }: &Time) -> Result<OwnTime, String> {
    let wrong = |_| "it is not a time of day".to_owned();
    Ok(OwnTime {
        hour: u8::try_from(*hour).map_err(wrong)?,
        minute: u8::try_from(*min).map_err(wrong)?,
        second: u8::try_from(*sec).map_err(wrong)?,
        nanosecond: micro.checked_mul(1000).ok_or("it is not a time of day")?,
    })
}

fn moment(Timestamp { date, time }: &Timestamp) -> Result<Value, String> {
    Ok(Value::DateTime(day(date)?, self::time(time)?))
}

/// As a text, which names its offset.
fn zoned(TimestampTz { timestamp, offset }: &TimestampTz) -> Result<Value, String> {
    let OwnDate { year, month, day } = day(&timestamp.date)?;
    let OwnTime { hour, minute, second, nanosecond } = time(&timestamp.time)?;
    let seconds = match offset {
        Offset::EasternHemisphereSecs(seconds) => i64::from(*seconds),
        Offset::WesternHemisphereSecs(seconds) => -i64::from(*seconds),
    };
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, rest) = (seconds.abs() / 3600, seconds.abs() % 3600);
    let (minutes, seconds) = (rest / 60, rest % 60);
    Ok(Value::Text(format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:06}\
         {sign}{hours:02}:{minutes:02}:{seconds:02}",
        nanosecond / 1000
    )))
}

fn said_date(OwnDate { year, month, day }: OwnDate) -> Date {
    Date::Ymd((year, month.into(), day.into()))
}

fn said_time(OwnTime { hour, minute, second, nanosecond }: OwnTime) -> Time {
    Time { hour: hour.into(), min: minute.into(), sec: second.into(), micro: nanosecond / 1000 }
}

fn said_moment(date: OwnDate, time: OwnTime) -> Timestamp {
    Timestamp { date: said_date(date), time: said_time(time) }
}

/// The bits of a number that are its mantissa.
const DOUBLE_MANTISSA: u32 = 52;
const SINGLE_MANTISSA: u32 = 23;

/// The exponent of a value that is not a finite number.
const DOUBLE_ENDLESS: i16 = 0x7ff - 1075;
const SINGLE_ENDLESS: i16 = 0xff - 150;

fn parts_of_double(number: f64) -> HashableF64 {
    let bits = number.to_bits();
    let power = (bits >> DOUBLE_MANTISSA & 0x7ff) as i16;
    let fraction = bits & ((1 << DOUBLE_MANTISSA) - 1);
    let mantissa = if power == 0 { fraction << 1 } else { fraction | 1 << DOUBLE_MANTISSA };
    (mantissa, power - 1075, if number.is_sign_negative() { -1 } else { 1 })
}

fn parts_of_single(number: f32) -> HashableF64 {
    let bits = number.to_bits();
    let power = (bits >> SINGLE_MANTISSA & 0xff) as i16;
    let fraction = bits & ((1 << SINGLE_MANTISSA) - 1);
    let mantissa = if power == 0 { fraction << 1 } else { fraction | 1 << SINGLE_MANTISSA };
    (mantissa.into(), power - 150, if number.is_sign_negative() { -1 } else { 1 })
}

fn double((mantissa, power, sign): HashableF64) -> f64 {
    if power == DOUBLE_ENDLESS && mantissa != 1 << DOUBLE_MANTISSA {
        return f64::NAN;
    }
    // In two steps: one alone would be too small to be a number of its own.
    let half = i32::from(power) / 2;
    let scaled = mantissa as f64 * 2_f64.powi(half) * 2_f64.powi(i32::from(power) - half);
    f64::from(sign.signum()) * scaled
}

fn single((mantissa, power, sign): HashableF64) -> f32 {
    if power == SINGLE_ENDLESS && mantissa != 1 << SINGLE_MANTISSA {
        return f32::NAN;
    }
    double((mantissa, power, sign)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_put_together_as_they_were_taken_apart() {
        let numbers = [0.0, -0.0, 1.0, -0.1, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY];
        for number in numbers {
            assert_eq!(double(parts_of_double(number)).to_bits(), number.to_bits(), "{number}");
        }
        assert!(double(parts_of_double(f64::NAN)).is_nan());
        for number in [0.0, 1.5, -0.1, f32::MAX, f32::MIN_POSITIVE, 1e-45, f32::NEG_INFINITY] {
            assert_eq!(single(parts_of_single(number)).to_bits(), number.to_bits(), "{number}");
        }
        assert!(single(parts_of_single(f32::NAN)).is_nan());
    }

    #[test]
    fn a_moment_with_an_offset_names_it() {
        let date = Date::Ymd((2024, 2, 3));
        let time = Time { hour: 4, min: 5, sec: 6, micro: 7 };
        let offset = Offset::WesternHemisphereSecs(4 * 3600 + 90);
        let moment = TimestampTz { timestamp: Timestamp { date, time }, offset };
        let text = "2024-02-03 04:05:06.000007-04:01:30".to_owned();
        assert_eq!(zoned(&moment), Ok(Value::Text(text)));
    }
}
