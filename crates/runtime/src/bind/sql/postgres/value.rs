//! Database values in the types of each version.

use keyway_capability::sql::{Bound, Column, DataType, Date, Range, Time, Value};

use super::{
    rdbms_types as v2, v3,
    version_4::{v4, v4_2},
};

/// A day and a time of day, as the interfaces have them.
type Day = (i32, u8, u8);
type Clock = (u8, u8, u8, u32);
type Moment = (i32, u8, u8, u8, u8, u8, u32);

fn day(Date { year, month, day }: Date) -> Day {
    (year, month, day)
}

fn clock(Time { hour, minute, second, nanosecond }: Time) -> Clock {
    (hour, minute, second, nanosecond)
}

fn moment(date: Date, time: Time) -> Moment {
    let ((year, month, day), (hour, minute, second, nanosecond)) = (day(date), clock(time));
    (year, month, day, hour, minute, second, nanosecond)
}

fn to_date((year, month, day): Day) -> Value {
    Value::Date(Date { year, month, day })
}

fn to_time((hour, minute, second, nanosecond): Clock) -> Value {
    Value::Time(Time { hour, minute, second, nanosecond })
}

fn to_moment((year, month, day, hour, minute, second, nanosecond): Moment) -> Value {
    let date = Date { year, month, day };
    Value::DateTime(date, Time { hour, minute, second, nanosecond })
}

/// Seconds since 1970.
fn to_timestamp(seconds: i64) -> Value {
    Value::Timestamp(seconds.saturating_mul(1_000_000))
}

fn seconds(micros: i64) -> i64 {
    micros.div_euclid(1_000_000)
}

/// Whether an end of a range belongs to it, in the words of each version.
trait BoundKind {
    fn of(is_inclusive: bool) -> Self;
    fn is_inclusive(&self) -> bool;
}

type End<T, K> = Option<(T, K)>;

fn to_range<T, K: BoundKind>((lower, upper): (End<T, K>, End<T, K>)) -> Range<T> {
    let bound = |(value, kind): (T, K)| Bound { value, is_inclusive: kind.is_inclusive() };
    Range { lower: lower.map(bound), upper: upper.map(bound) }
}

fn range<T, K: BoundKind>(Range { lower, upper }: Range<T>) -> (End<T, K>, End<T, K>) {
    let end = |Bound { value, is_inclusive }: Bound<T>| (value, K::of(is_inclusive));
    (lower.map(end), upper.map(end))
}

/// The conversions of a version. After the semicolons stand, in this order: parameters, values and
/// types that it has beside those that all have, and what it says of values and types that it does
/// not have.
macro_rules! version {
    (
        $version:ident;
        $($parameter:pat => $own:expr),*;
        $($value:pat => $said:expr),*;
        $($ty:ident)*;
        $unsupported:expr;
        $other:expr
    ) => {
        impl From<$version::ParameterValue> for Value {
            fn from(value: $version::ParameterValue) -> Self {
                use $version::ParameterValue::*;
                match value {
                    Boolean(boolean) => Self::Boolean(boolean),
                    Int8(number) => Self::Int8(number),
                    Int16(number) => Self::Int16(number),
                    Int32(number) => Self::Int32(number),
                    Int64(number) => Self::Int64(number),
                    Floating32(number) => Self::Float32(number),
                    Floating64(number) => Self::Float64(number),
                    Str(text) => Self::Text(text),
                    Binary(bytes) => Self::Blob(bytes),
                    DbNull => Self::Null,
                    $($parameter => $own,)*
                }
            }
        }

        impl From<Value> for $version::DbValue {
            fn from(value: Value) -> Self {
                match value {
                    Value::Boolean(boolean) => Self::Boolean(boolean),
                    Value::Int8(number) => Self::Int8(number),
                    Value::Int16(number) => Self::Int16(number),
                    Value::Int32(number) => Self::Int32(number),
                    Value::Int64(number) => Self::Int64(number),
                    Value::Float32(number) => Self::Floating32(number),
                    Value::Float64(number) => Self::Floating64(number),
                    Value::Text(text) => Self::Str(text),
                    Value::Blob(bytes) => Self::Binary(bytes),
                    Value::Null => Self::DbNull,
                    $($value => $said,)*
                    other => $unsupported(other),
                }
            }
        }

        impl From<Column> for $version::Column {
            fn from(column: Column) -> Self {
                use $version::DbDataType::*;
                let data_type = match column.data_type {
                    DataType::Boolean => Boolean,
                    DataType::Int8 => Int8,
                    DataType::Int16 => Int16,
                    DataType::Int32 => Int32,
                    DataType::Int64 => Int64,
                    DataType::Float32 => Floating32,
                    DataType::Float64 => Floating64,
                    DataType::Text => Str,
                    DataType::Blob => Binary,
                    $(DataType::$ty => version!(@type $ty),)*
                    _ => $other(column.native_type),
                };
                Self { name: column.name, data_type }
            }
        }
    };
    (@type DateTime) => { Datetime };
    (@type Json) => { Jsonb };
    (@type ArrayText) => { ArrayStr };
    (@type $ty:ident) => { $ty };
}

version! {
    v2;
    Uint8(number) => Self::Int16(number.into()),
    Uint16(number) => Self::Int32(number.into()),
    Uint32(number) => Self::Int64(number.into()),
    // What is larger than any whole number of the database is for it to refuse.
    Uint64(number) => Self::Decimal(number.to_string());
    ;
    ;
    |_| v2::DbValue::Unsupported;
    |_| Other
}

version! {
    v3;
    Date(date) => to_date(date),
    Time(time) => to_time(time),
    Datetime(moment) => to_moment(moment),
    Timestamp(seconds) => to_timestamp(seconds);
    Value::Date(date) => Self::Date(day(date)),
    Value::Time(time) => Self::Time(clock(time)),
    Value::DateTime(date, time) => Self::Datetime(moment(date, time)),
    Value::Timestamp(micros) => Self::Timestamp(seconds(micros));
    Date Time DateTime Timestamp;
    |_| v3::DbValue::Unsupported;
    |_| Other
}

/// The same for both of version 4, which differ in their functions alone.
macro_rules! version_4 {
    ($version:ident) => {
        impl BoundKind for $version::RangeBoundKind {
            fn of(is_inclusive: bool) -> Self {
                if is_inclusive { Self::Inclusive } else { Self::Exclusive }
            }

            fn is_inclusive(&self) -> bool {
                matches!(self, Self::Inclusive)
            }
        }

        version! {
            $version;
            Date(date) => to_date(date),
            Time(time) => to_time(time),
            Datetime(moment) => to_moment(moment),
            Timestamp(seconds) => to_timestamp(seconds),
            Uuid(text) => Self::Uuid(text),
            Jsonb(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Self::Json(text),
                // The database refuses it, and says where.
                Err(error) => Self::Json(String::from_utf8_lossy(error.as_bytes()).into_owned()),
            },
            Decimal(text) => Self::Decimal(text),
            RangeInt32(ends) => Self::RangeInt32(to_range(ends)),
            RangeInt64(ends) => Self::RangeInt64(to_range(ends)),
            RangeDecimal(ends) => Self::RangeDecimal(to_range(ends)),
            ArrayInt32(all) => Self::ArrayInt32(all),
            ArrayInt64(all) => Self::ArrayInt64(all),
            ArrayDecimal(all) => Self::ArrayDecimal(all),
            ArrayStr(all) => Self::ArrayText(all),
            Interval(time) => {
                Self::Interval { months: time.months, days: time.days, micros: time.micros }
            };
            Value::Date(date) => Self::Date(day(date)),
            Value::Time(time) => Self::Time(clock(time)),
            Value::DateTime(date, time) => Self::Datetime(moment(date, time)),
            Value::Timestamp(micros) => Self::Timestamp(seconds(micros)),
            Value::Uuid(text) => Self::Uuid(text),
            Value::Json(text) => Self::Jsonb(text.into_bytes()),
            Value::Decimal(text) => Self::Decimal(text),
            Value::RangeInt32(range) => Self::RangeInt32(self::range(range)),
            Value::RangeInt64(range) => Self::RangeInt64(self::range(range)),
            Value::RangeDecimal(range) => Self::RangeDecimal(self::range(range)),
            Value::ArrayInt32(all) => Self::ArrayInt32(all),
            Value::ArrayInt64(all) => Self::ArrayInt64(all),
            Value::ArrayDecimal(all) => Self::ArrayDecimal(all),
            Value::ArrayText(all) => Self::ArrayStr(all),
            Value::Interval { months, days, micros } => {
                Self::Interval($version::Interval { months, days, micros })
            };
            Date Time DateTime Timestamp Uuid Json Decimal RangeInt32 RangeInt64 RangeDecimal
            ArrayInt32 ArrayInt64 ArrayDecimal ArrayText Interval;
            |other| match other {
                Value::Other(bytes) => $version::DbValue::Unsupported(bytes),
                _ => $version::DbValue::Unsupported(Vec::new()),
            };
            Other
        }
    };
}

version_4!(v4);
version_4!(v4_2);
