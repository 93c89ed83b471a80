//! A statement: its parameters, its rows, and values to and from SQLite's own.

use rusqlite::{
    Batch, Connection, Statement,
    fallible_iterator::FallibleIterator,
    types::{ToSqlOutput, Type, Value as Own, ValueRef},
};

use super::File;
use crate::sql::{Column, DataType, Date, Error, Row, Time, Value};

/// The one statement of a text, with its parameters bound.
pub(super) fn prepare<'c>(
    file: &File,
    connection: &'c Connection,
    text: &str,
    parameters: Vec<Value>,
) -> Result<Statement<'c>, Error> {
    let failed = |error: rusqlite::Error| file.explain(&error);
    let mut batch = Batch::new(connection, text);
    let Some(mut statement) = batch.next().map_err(failed)? else {
        return Err(Error::statement(file.at.clone(), "it is empty"));
    };
    // What comes after it may need what it makes, and not be understood before.
    if !matches!(batch.next(), Ok(None)) {
        let reason = "it is more than one; execute one after the other";
        return Err(Error::statement(file.at.clone(), reason));
    }
    bind(&mut statement, parameters).map_err(|failure| match failure {
        Failure::Parameter(reason) => Error::BadParameter { reason },
        Failure::Sqlite(error) => file.explain(&error),
    })?;
    Ok(statement)
}

/// The columns of the rows that a statement gives.
pub(super) fn columns(statement: &Statement<'_>) -> Vec<Column> {
    let names = statement.column_names();
    names
        .map(|name| Column {
            name: name.to_owned(),
            // Each value has a type of its own.
            data_type: DataType::Other,
            native_type: String::new(),
        })
        .collect()
}

/// The values of the row that a statement is at.
pub(super) fn row(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Row> {
    (0..columns).map(|column| row.get_ref(column).and_then(value)).collect()
}

enum Failure {
    Parameter(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn bind(statement: &mut Statement<'_>, mut parameters: Vec<Value>) -> Result<(), Failure> {
    let count = statement.parameter_count();
    // `?7` and `$7` are the seventh, however many there are; all others count in order.
    let numbers: Vec<usize> = (1..=count)
        .map(|index| {
            let named = statement.parameter_name(index);
            let number = named.and_then(|name| name[1..].parse().ok());
            number.filter(|number| *number > 0).unwrap_or(index)
        })
        .collect();
    let highest = numbers.iter().copied().max().unwrap_or(0);
    if highest > parameters.len() || (count == 0 && !parameters.is_empty()) {
        let given = parameters.len();
        return Err(Failure::Parameter(format!("it has {highest}, and {given} are given")));
    }
    for (index, number) in (1..).zip(numbers.iter().copied()) {
        let is_last_use = !numbers[index..].contains(&number);
        let place = &mut parameters[number - 1];
        let value = if is_last_use { std::mem::replace(place, Value::Null) } else { place.clone() };
        let own = own(value).map_err(Failure::Parameter)?;
        statement.raw_bind_parameter(index, ToSqlOutput::Owned(own))?;
    }
    Ok(())
}

/// A value as SQLite keeps it. What it has no type for is a text in the usual form.
fn own(value: Value) -> Result<Own, String> {
    Ok(match value {
        Value::Null => Own::Null,
        Value::Boolean(boolean) => Own::Integer(boolean.into()),
        Value::Int8(number) => Own::Integer(number.into()),
        Value::Int16(number) => Own::Integer(number.into()),
        Value::Int32(number) => Own::Integer(number.into()),
        Value::Int64(number) => Own::Integer(number),
        Value::Float32(number) => Own::Real(number.into()),
        Value::Float64(number) => Own::Real(number),
        Value::Text(text) | Value::Uuid(text) | Value::Json(text) | Value::Decimal(text) => {
            Own::Text(text)
        }
        Value::Blob(bytes) => Own::Blob(bytes),
        Value::Date(date) => Own::Text(show_date(date)),
        Value::Time(time) => Own::Text(show_time(time)),
        Value::DateTime(date, time) => {
            Own::Text(format!("{} {}", show_date(date), show_time(time)))
        }
        Value::Timestamp(micros) => Own::Integer(micros.div_euclid(1_000_000)),
        Value::Interval { .. } => return Err(missing("an interval")),
        Value::RangeInt32(_) | Value::RangeInt64(_) | Value::RangeDecimal(_) => {
            return Err(missing("a range"));
        }
        Value::ArrayInt32(_)
        | Value::ArrayInt64(_)
        | Value::ArrayDecimal(_)
        | Value::ArrayText(_) => return Err(missing("an array")),
        Value::Other(_) => return Err(missing("such a value")),
    })
}

fn missing(what: &str) -> String {
    format!("SQLite has no type for {what}")
}

fn show_date(Date { year, month, day }: Date) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}

fn show_time(Time { hour, minute, second, nanosecond }: Time) -> String {
    let fraction = match nanosecond {
        0 => String::new(),
        _ => format!(".{nanosecond:09}").trim_end_matches('0').to_owned(),
    };
    format!("{hour:02}:{minute:02}:{second:02}{fraction}")
}

fn value(own: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match own {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int64(number),
        ValueRef::Real(number) => Value::Float64(number),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(error) => {
                let error = Box::new(error);
                return Err(rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error));
            }
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    })
}
