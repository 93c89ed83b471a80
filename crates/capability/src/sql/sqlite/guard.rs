//! Keeps statements inside their database. SQLite would open any file for `ATTACH` and write one
//! for `VACUUM INTO`, and some of its pragmas are process-wide settings.

use rusqlite::{
    Connection,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};

use crate::sql::ANSWER_LIMIT_BYTES;

/// Pragmas that look at the database.
const LOOKING: [&str; 25] = [
    "application_id",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "journal_mode",
    "page_count",
    "page_size",
    "pragma_list",
    "quick_check",
    "schema_version",
    "synchronous",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Of these, the ones whose argument is what is looked at, and no value to be set.
const WITH_ARGUMENT: [&str; 10] = [
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that change no more than the database or the session.
const CHANGING: [&str; 6] = [
    "application_id",
    "defer_foreign_keys",
    "foreign_keys",
    "optimize",
    "recursive_triggers",
    "user_version",
];

/// Confines all that is done on `connection` from now on.
pub(super) fn confine(connection: &mut Connection) -> rusqlite::Result<()> {
    // Neither the schema's own table nor what virtual tables keep can be written to.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A value takes memory of the host's, not of the component's.
    let longest = i32::try_from(ANSWER_LIMIT_BYTES).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
    connection.authorizer(Some(|context: AuthContext<'_>| {
        if is_confined(&context.action) { Authorization::Allow } else { Authorization::Deny }
    }))
}

fn is_confined(action: &AuthAction<'_>) -> bool {
    match action {
        // A file without a name is a temporary one, which `VACUUM` needs.
        AuthAction::Attach { filename } => filename.is_empty(),
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let name = pragma_name.to_ascii_lowercase();
            let name = name.as_str();
            CHANGING.contains(&name)
                || WITH_ARGUMENT.contains(&name)
                || (LOOKING.contains(&name) && pragma_value.is_none())
        }
        AuthAction::Function { function_name } => {
            !function_name.eq_ignore_ascii_case("load_extension")
        }
        AuthAction::Unknown { .. } => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, ErrorCode};

    use super::confine;

    #[test]
    fn no_statement_reaches_beyond_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("a.db")).unwrap();
        confine(&mut connection).unwrap();
        let other = folder.path().join("b.db");
        let other = other.display();
        for statement in [
            format!("ATTACH '{other}' AS b"),
            format!("ATTACH '{other}' || '' AS b"),
            "ATTACH ':memory:' AS b".to_owned(),
            format!("VACUUM INTO '{other}'"),
            "PRAGMA journal_mode = DELETE".to_owned(),
            "PRAGMA hard_heap_limit = 1".to_owned(),
            "PRAGMA soft_heap_limit = 1".to_owned(),
            "PRAGMA temp_store_directory = '/tmp'".to_owned(),
            "PRAGMA mmap_size = 1".to_owned(),
            "PRAGMA writable_schema = on".to_owned(),
            "SELECT load_extension('x')".to_owned(),
        ] {
            let error = connection.execute_batch(&statement).unwrap_err();
            let code = error.sqlite_error_code();
            let denied = code == Some(ErrorCode::AuthorizationForStatementDenied)
                || error.to_string().contains("not authorized");
            assert!(denied, "{statement}: {error}");
        }
        assert!(!folder.path().join("b.db").exists());
        for statement in [
            "CREATE TABLE t (a)",
            "PRAGMA table_info(t)",
            "PRAGMA user_version = 3",
            "PRAGMA foreign_keys = off",
            "PRAGMA journal_mode",
            "VACUUM",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n LIMIT 3) SELECT * FROM n",
        ] {
            connection
                .execute_batch(statement)
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    #[test]
    fn no_value_is_longer_than_an_answer_may_be() {
        let mut connection = Connection::open_in_memory().unwrap();
        confine(&mut connection).unwrap();
        let ask = "SELECT length(zeroblob(40000000))";
        assert!(connection.query_row(ask, [], |row| row.get::<_, i64>(0)).is_err());
    }
}
