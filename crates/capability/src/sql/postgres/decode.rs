//! Values in results, from the binary form in which PostgreSQL sends them.

use tokio_postgres::types::{FromSql, Kind, Type};

use crate::{
    Origin,
    sql::{Bound, Column, DataType, Date, Error, Range, Row, Time, Value},
};

/// Microseconds of a second, and of a day.
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The server counts from 2000-01-01, which is so many days after 1970-01-01.
const EPOCH_DAYS: i64 = 10_957;

pub(super) fn column(column: &tokio_postgres::Column) -> Column {
    Column {
        name: column.name().to_owned(),
        data_type: data_type(column.type_()),
        native_type: column.type_().name().to_owned(),
    }
}

pub(super) fn row(at: &Origin, row: &tokio_postgres::Row) -> Result<Row, Error> {
    let value = |index: usize| {
        let raw: Raw<'_> = row.try_get(index).map_err(|error| error.to_string())?;
        let ty = row.columns()[index].type_();
        raw.0.map_or(Ok(Value::Null), |bytes| value(ty, bytes))
    };
    (0..row.len())
        .map(|index| {
            value(index).map_err(|reason| {
                let column = row.columns()[index].name().to_owned();
                Error::Conversion { at: at.clone(), column, reason }
            })
        })
        .collect()
}

/// The bytes of a value, whatever its type.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn data_type(ty: &Type) -> DataType {
    match *ty {
        Type::BOOL => DataType::Boolean,
        Type::CHAR => DataType::Int8,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => DataType::Text,
        Type::BYTEA => DataType::Blob,
        Type::DATE => DataType::Date,
        Type::TIME => DataType::Time,
        Type::TIMESTAMP => DataType::DateTime,
        Type::TIMESTAMPTZ => DataType::Timestamp,
        Type::UUID => DataType::Uuid,
        Type::JSON | Type::JSONB => DataType::Json,
        Type::NUMERIC => DataType::Decimal,
        Type::INTERVAL => DataType::Interval,
        Type::INT4_RANGE => DataType::RangeInt32,
        Type::INT8_RANGE => DataType::RangeInt64,
        Type::NUM_RANGE => DataType::RangeDecimal,
        Type::INT4_ARRAY => DataType::ArrayInt32,
        Type::INT8_ARRAY => DataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY => DataType::ArrayText,
        _ => match ty.kind() {
            Kind::Enum(_) => DataType::Text,
            Kind::Domain(inner) => data_type(inner),
            _ => DataType::Other,
        },
    }
}

/// Reads a value of the type `ty`, or says why it cannot.
fn value(ty: &Type, bytes: &[u8]) -> Result<Value, String> {
    let mut read = Reader(bytes);
    Ok(match data_type(ty) {
        DataType::Boolean => Value::Boolean(read.take::<1>()? != [0]),
        DataType::Int8 => Value::Int8(i8::from_be_bytes(read.take()?)),
        DataType::Int16 => Value::Int16(i16::from_be_bytes(read.take()?)),
        DataType::Int32 => Value::Int32(i32::from_be_bytes(read.take()?)),
        DataType::Int64 => Value::Int64(i64::from_be_bytes(read.take()?)),
        DataType::Float32 => Value::Float32(f32::from_be_bytes(read.take()?)),
        DataType::Float64 => Value::Float64(f64::from_be_bytes(read.take()?)),
        DataType::Text => Value::Text(text(bytes)?),
        DataType::Blob => Value::Blob(bytes.to_owned()),
        DataType::Date => Value::Date(match i32::from_be_bytes(read.take()?) {
            i32::MIN | i32::MAX => return Err("it is infinite".to_owned()),
            days => date(i64::from(days) + EPOCH_DAYS),
        }),
        DataType::Time => Value::Time(time(i64::from_be_bytes(read.take()?))),
        DataType::DateTime => {
            let (date, time) = date_time(micros(&mut read)?);
            Value::DateTime(date, time)
        }
        DataType::Timestamp => Value::Timestamp(micros(&mut read)?),
        DataType::Uuid => Value::Uuid(uuid(&read.take()?)),
        DataType::Json => {
            // The first byte of `jsonb` is the version of its form.
            let json = if *ty == Type::JSONB { &bytes[bytes.len().min(1)..] } else { bytes };
            Value::Json(text(json)?)
        }
        DataType::Decimal => Value::Decimal(decimal(bytes)?),
        DataType::Interval => Value::Interval {
            micros: i64::from_be_bytes(read.take()?),
            days: i32::from_be_bytes(read.take()?),
            months: i32::from_be_bytes(read.take()?),
        },
        DataType::RangeInt32 => {
            return read.range(int32).map(|range| or_other(range.map(Value::RangeInt32), bytes));
        }
        DataType::RangeInt64 => {
            return read.range(int64).map(|range| or_other(range.map(Value::RangeInt64), bytes));
        }
        DataType::RangeDecimal => {
            return read
                .range(decimal)
                .map(|range| or_other(range.map(Value::RangeDecimal), bytes));
        }
        DataType::ArrayInt32 => {
            return read.array(int32).map(|all| or_other(all.map(Value::ArrayInt32), bytes));
        }
        DataType::ArrayInt64 => {
            return read.array(int64).map(|all| or_other(all.map(Value::ArrayInt64), bytes));
        }
        DataType::ArrayDecimal => {
            return read.array(decimal).map(|all| or_other(all.map(Value::ArrayDecimal), bytes));
        }
        DataType::ArrayText => {
            return read.array(text).map(|all| or_other(all.map(Value::ArrayText), bytes));
        }
        DataType::Other => Value::Other(bytes.to_owned()),
    })
}

/// What has no words here, such as an empty range or an array of arrays, stays as it is.
fn or_other(value: Option<Value>, bytes: &[u8]) -> Value {
    value.unwrap_or_else(|| Value::Other(bytes.to_owned()))
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_owned()).map_err(|_| "it is not UTF-8".to_owned())
}

fn int32(bytes: &[u8]) -> Result<i32, String> {
    Reader(bytes).take().map(i32::from_be_bytes)
}

fn int64(bytes: &[u8]) -> Result<i64, String> {
    Reader(bytes).take().map(i64::from_be_bytes)
}

/// Microseconds since 1970.
fn micros(read: &mut Reader<'_>) -> Result<i64, String> {
    match i64::from_be_bytes(read.take()?) {
        i64::MIN | i64::MAX => Err("it is infinite".to_owned()),
        micros => micros.checked_add(EPOCH_DAYS * DAY).ok_or_else(|| "it is too late".to_owned()),
    }
}

/// A day by its number from 1970-01-01: the civil calendar, counted from March, so that the day
/// that not all years have is a year's last.
fn date(days: i64) -> Date {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // The server's years fit, and months and days are small.
    Date { year: year as i32, month: month as u8, day: day as u8 }
}

fn time(micros: i64) -> Time {
    let seconds = micros / SECOND;
    Time {
        hour: (seconds / 3600) as u8,
        minute: (seconds / 60 % 60) as u8,
        second: (seconds % 60) as u8,
        // Less than a second, whatever the server sends.
        nanosecond: (micros.rem_euclid(SECOND) * 1000) as u32,
    }
}

/// The day and the time of day, in UTC, of so many microseconds after 1970.
pub fn date_time(micros: i64) -> (Date, Time) {
    (date(micros.div_euclid(DAY)), time(micros.rem_euclid(DAY)))
}

fn uuid(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A number in digits of base 10,000, of which `weight` is how many stand before the point.
fn decimal(bytes: &[u8]) -> Result<String, String> {
    let mut read = Reader(bytes);
    let count = u16::from_be_bytes(read.take()?);
    let weight = i16::from_be_bytes(read.take()?);
    let sign = u16::from_be_bytes(read.take()?);
    let scale = usize::from(u16::from_be_bytes(read.take()?));
    match sign {
        0 | 0x4000 => {}
        0xC000 => return Ok("NaN".to_owned()),
        0xD000 => return Ok("Infinity".to_owned()),
        0xF000 => return Ok("-Infinity".to_owned()),
        _ => return Err("it is not a known number".to_owned()),
    }
    let mut digits = Vec::new();
    for _ in 0..count {
        digits.push(i16::from_be_bytes(read.take()?));
    }
    let digit = |place: i32| {
        usize::try_from(i32::from(weight) - place)
            .ok()
            .and_then(|index| digits.get(index))
            .copied()
            .unwrap_or(0)
    };
    let mut whole: String =
        (0..=i32::from(weight).max(0)).rev().map(|place| format!("{:04}", digit(place))).collect();
    whole = whole.trim_start_matches('0').to_owned();
    if whole.is_empty() {
        whole.push('0');
    }
    let places = i32::try_from(scale.div_ceil(4)).unwrap_or(0);
    let mut fraction: String = (1..=places).map(|place| format!("{:04}", digit(-place))).collect();
    fraction.truncate(scale);
    let minus = if sign == 0x4000 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    Ok(format!("{minus}{whole}{point}{fraction}"))
}

/// Takes a value apart.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (head, rest) = self.0.split_first_chunk().ok_or("it is too short")?;
        self.0 = rest;
        Ok(*head)
    }

    /// The bytes after its length; none for null, whose length is -1.
    fn part(&mut self) -> Result<Option<&'a [u8]>, String> {
        let Ok(length) = usize::try_from(i32::from_be_bytes(self.take()?)) else { return Ok(None) };
        let (part, rest) = self.0.split_at_checked(length).ok_or("it is too short")?;
        self.0 = rest;
        Ok(Some(part))
    }

    /// A range; none if it is empty.
    fn range<T>(
        mut self,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Option<Range<T>>, String> {
        let [flags] = self.take()?;
        let has = |flag: u8| flags & flag != 0;
        if has(0x01) {
            return Ok(None);
        }
        let mut bound = |is_infinite: bool, is_inclusive: bool| {
            if is_infinite {
                return Ok(None);
            }
            let part = self.part()?.ok_or("it has a bound without a value")?;
            Ok::<_, String>(Some(Bound { value: read(part)?, is_inclusive }))
        };
        let lower = bound(has(0x08), has(0x02))?;
        let upper = bound(has(0x10), has(0x04))?;
        Ok(Some(Range { lower, upper }))
    }

    /// A plain list; none if it is a list of lists.
    fn array<T>(
        mut self,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Option<Vec<Option<T>>>, String> {
        let dimensions = i32::from_be_bytes(self.take()?);
        // Whether it has nulls, and the type of its elements.
        let _: [u8; 8] = self.take()?;
        match dimensions {
            0 => return Ok(Some(Vec::new())),
            1 => {}
            _ => return Ok(None),
        }
        let count = i32::from_be_bytes(self.take()?);
        // The number of the first element.
        let _: [u8; 4] = self.take()?;
        let elements = (0..count).map(|_| self.part()?.map(&read).transpose());
        elements.collect::<Result<_, _>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, year, month, day) in [
            (0, 1970, 1, 1),
            (-1, 1969, 12, 31),
            (EPOCH_DAYS, 2000, 1, 1),
            (EPOCH_DAYS + 59, 2000, 2, 29),
            (19_782, 2024, 2, 29),
            (-719_468, 0, 3, 1),
            (-719_529, -1, 12, 31),
        ] {
            assert_eq!(date(days), Date { year, month, day }, "{days}");
        }
    }

    #[test]
    fn decimals_are_written_out() {
        let number = |weight: i16, sign: u16, scale: u16, digits: &[i16]| {
            let mut bytes = (digits.len() as u16).to_be_bytes().to_vec();
            bytes.extend(weight.to_be_bytes());
            bytes.extend(sign.to_be_bytes());
            bytes.extend(scale.to_be_bytes());
            bytes.extend(digits.iter().flat_map(|digit| digit.to_be_bytes()));
            decimal(&bytes).unwrap()
        };
        assert_eq!(number(0, 0, 0, &[]), "0");
        assert_eq!(number(0, 0, 2, &[]), "0.00");
        assert_eq!(number(1, 0x4000, 3, &[1, 2, 3400]), "-10002.340");
        assert_eq!(number(-2, 0, 8, &[5]), "0.00000005");
        assert_eq!(number(2, 0, 0, &[7]), "700000000");
        assert_eq!(number(0, 0xC000, 0, &[]), "NaN");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd_for_a_value(bytes: Vec<u8>) {
            for ty in [
                Type::BOOL, Type::INT4, Type::DATE, Type::TIME, Type::TIMESTAMP, Type::UUID,
                Type::JSONB, Type::NUMERIC, Type::INTERVAL, Type::INT4_RANGE, Type::NUM_RANGE,
                Type::INT8_ARRAY, Type::TEXT_ARRAY,
            ] {
                let _ = value(&ty, &bytes);
            }
        }
    }
}
