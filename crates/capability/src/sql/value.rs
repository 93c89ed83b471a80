//! Values of databases, and their types.

/// A value: a parameter of a statement, or one of a row.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each says what it is, or stands with a line of its own")]
pub enum Value {
    Null,
    Boolean(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    Text(String),
    Blob(Vec<u8>),
    Date(Date),
    Time(Time),
    /// A date and a time of day, wherever.
    DateTime(Date, Time),
    /// Microseconds since 1970 in UTC.
    Timestamp(i64),
    /// In hexadecimal digits, with `-` between groups.
    Uuid(String),
    /// The text of a JSON value.
    Json(String),
    /// In decimal digits.
    Decimal(String),
    Interval {
        months: i32,
        days: i32,
        micros: i64,
    },
    RangeInt32(Range<i32>),
    RangeInt64(Range<i64>),
    RangeDecimal(Range<String>),
    ArrayInt32(Vec<Option<i32>>),
    ArrayInt64(Vec<Option<i64>>),
    ArrayDecimal(Vec<Option<String>>),
    ArrayText(Vec<Option<String>>),
    /// A value of a type that has no words here, as the database sends it.
    Other(Vec<u8>),
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year; 0 is the one before 1.
    pub year: i32,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Time {
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub nanosecond: u32,
}

/// A range, whose ends are open if there is none. No range at all is an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range<T> {
    /// Where it begins.
    pub lower: Option<Bound<T>>,
    /// Where it ends.
    pub upper: Option<Bound<T>>,
}

/// An end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound<T> {
    /// The value.
    pub value: T,
    /// Whether it belongs to the range.
    pub is_inclusive: bool,
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the values")]
pub enum DataType {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Blob,
    Date,
    Time,
    DateTime,
    Timestamp,
    Uuid,
    Json,
    Decimal,
    Interval,
    RangeInt32,
    RangeInt64,
    RangeDecimal,
    ArrayInt32,
    ArrayInt64,
    ArrayDecimal,
    ArrayText,
    /// Any, or one that has no words here.
    Other,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Its type as the database calls it; empty where it has none.
    pub native_type: String,
}

/// The values of a row, in the order of the columns.
pub type Row = Vec<Value>;

impl Value {
    /// About what it takes in memory.
    pub fn size_bytes(&self) -> usize {
        let texts = |texts: &[Option<String>]| {
            texts.iter().map(|text| 24 + text.as_ref().map_or(0, String::len)).sum()
        };
        size_of::<Self>()
            + match self {
                Self::Text(text) | Self::Uuid(text) | Self::Json(text) | Self::Decimal(text) => {
                    text.len()
                }
                Self::Blob(bytes) | Self::Other(bytes) => bytes.len(),
                Self::ArrayInt32(numbers) => numbers.len() * 8,
                Self::ArrayInt64(numbers) => numbers.len() * 16,
                Self::ArrayDecimal(all) | Self::ArrayText(all) => texts(all),
                Self::RangeDecimal(Range { lower, upper }) => {
                    let length = |bound: &Option<Bound<String>>| {
                        bound.as_ref().map_or(0, |bound| bound.value.len())
                    };
                    length(lower) + length(upper)
                }
                _ => 0,
            }
    }
}
