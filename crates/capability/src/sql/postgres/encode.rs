//! Parameters for PostgreSQL: sent as text, which the server parses as the type that the statement
//! needs there, so that a number fits any numeric column. Bytes are sent unchanged.

use std::{error::Error, fmt::Write};

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

use crate::sql::{Bound, Date, Range, Time, Value};

/// A parameter of a statement.
#[derive(Debug)]
pub(super) struct Parameter<'a>(pub(super) &'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Blob(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
            Value::Other(_) => return Err("its type cannot be sent".into()),
            value => out.put_slice(text(value)?.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }

    fn encode_format(&self, ty: &Type) -> Format {
        match self.0 {
            Value::Blob(_) if *ty == Type::BYTEA => Format::Binary,
            _ => Format::Text,
        }
    }
}

/// A value as PostgreSQL reads it.
fn text(value: &Value) -> Result<String, Box<dyn Error + Sync + Send>> {
    let text = match value {
        Value::Null | Value::Other(_) => String::new(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Int8(number) => number.to_string(),
        Value::Int16(number) => number.to_string(),
        Value::Int32(number) => number.to_string(),
        Value::Int64(number) => number.to_string(),
        Value::Float32(number) => float(f64::from(*number), number.to_string()),
        Value::Float64(number) => float(*number, number.to_string()),
        Value::Text(text) | Value::Uuid(text) | Value::Json(text) | Value::Decimal(text) => {
            text.clone()
        }
        Value::Blob(bytes) => {
            bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        }
        Value::Date(date) => format!("{}{}", day(*date), era(*date)),
        Value::Time(time) => clock(*time),
        Value::DateTime(date, time) => format!("{} {}{}", day(*date), clock(*time), era(*date)),
        Value::Timestamp(micros) => timestamp(*micros),
        Value::Interval { months, days, micros } => {
            format!("{months} months {days} days {micros} microseconds")
        }
        Value::RangeInt32(range) => self::range(range),
        Value::RangeInt64(range) => self::range(range),
        Value::RangeDecimal(range) => self::range(range),
        Value::ArrayInt32(all) => array(all.iter().map(|one| one.map(|one| one.to_string()))),
        Value::ArrayInt64(all) => array(all.iter().map(|one| one.map(|one| one.to_string()))),
        Value::ArrayDecimal(all) | Value::ArrayText(all) => array(all.iter().cloned()),
    };
    // PostgreSQL's text cannot hold it, and the server's error would say less.
    if text.contains('\0') { Err("it holds the character U+0000".into()) } else { Ok(text) }
}

fn float(number: f64, shown: String) -> String {
    if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        shown
    }
}

/// The day without its era: there is no year 0, so 0 is `0001 BC`.
fn day(Date { year, month, day }: Date) -> String {
    let year = if year > 0 { i64::from(year) } else { 1 - i64::from(year) };
    format!("{year:04}-{month:02}-{day:02}")
}

fn era(date: Date) -> &'static str {
    if date.year > 0 { "" } else { " BC" }
}

fn clock(Time { hour, minute, second, nanosecond }: Time) -> String {
    format!("{hour:02}:{minute:02}:{second:02}.{nanosecond:09}")
}

fn timestamp(micros: i64) -> String {
    let (date, time) = super::decode::date_time(micros);
    format!("{} {}+00{}", day(date), clock(time), era(date))
}

fn range<T: ToString>(Range { lower, upper }: &Range<T>) -> String {
    let value = |bound: &Option<Bound<T>>| {
        bound.as_ref().map(|bound| quoted(&bound.value.to_string())).unwrap_or_default()
    };
    let inclusive = |bound: &Option<Bound<T>>| bound.as_ref().is_some_and(|one| one.is_inclusive);
    let open = if inclusive(lower) { '[' } else { '(' };
    let close = if inclusive(upper) { ']' } else { ')' };
    format!("{open}{},{}{close}", value(lower), value(upper))
}

fn array(elements: impl Iterator<Item = Option<String>>) -> String {
    let elements = elements.map(|one| one.map_or_else(|| "NULL".to_owned(), |one| quoted(&one)));
    format!("{{{}}}", elements.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_server_reads_them() {
        let date = |year| Date { year, month: 2, day: 3 };
        let time = Time { hour: 4, minute: 5, second: 6, nanosecond: 7_000 };
        let bound = |value, is_inclusive| Some(Bound { value, is_inclusive });
        for (value, expected) in [
            (Value::Float64(f64::NEG_INFINITY), "-Infinity"),
            (Value::Float64(1e300), &1e300_f64.to_string()),
            (Value::Blob(vec![0, 255]), "\\x00ff"),
            (Value::Date(date(2024)), "2024-02-03"),
            (Value::Date(date(0)), "0001-02-03 BC"),
            (Value::DateTime(date(-43), time), "0044-02-03 04:05:06.000007000 BC"),
            (Value::Timestamp(0), "1970-01-01 00:00:00.000000000+00"),
            (Value::Timestamp(-1), "1969-12-31 23:59:59.999999000+00"),
            (Value::ArrayText(vec![Some("a\"\\,".to_owned()), None]), r#"{"a\"\\,",NULL}"#),
            (Value::RangeInt32(Range { lower: bound(1, true), upper: None }), r#"["1",)"#),
            (Value::RangeInt32(Range { lower: None, upper: bound(-1, false) }), r#"(,"-1")"#),
        ] {
            assert_eq!(text(&value).unwrap(), expected);
        }
        assert!(text(&Value::Text("a\0b".to_owned())).is_err());
    }
}
