//! Arguments: their schema from a type, and reading what a model wrote. Slips of form are put right; whatever is left is told
//! in words that the model can act on.

use jsonschema::Validator;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{ToolError, text};
use crate::{llm::ToolSpec, model::plain};

/// Problems told at once.
const TOLD: usize = 4;

/// What the model is told of a tool with arguments of the type `A`.
pub(super) fn spec<A: JsonSchema>(name: &str, description: &str) -> ToolSpec {
    ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters: schema::<A>() }
}

/// The schema of the arguments: one object without references, headings and anything else in it.
fn schema<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::default().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<A>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
        object.remove("description");
        object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        object.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    schema
}

/// What the model wrote, with slips of form put right: JSON in a string, nothing for an argument that may be left out, a
/// number in quotes, one thing where a list is wanted.
pub(super) fn parse(written: &str, schema: &Value) -> Result<Value, ToolError> {
    let written = written.trim();
    let mut value: Value = if written.is_empty() {
        Value::Object(Map::new())
    } else {
        serde_json::from_str(written).map_err(|error| {
            ToolError::Arguments(format!("not JSON ({error}); write one object such as {{}}"))
        })?
    };
    if let Value::String(inner) = &value {
        value = serde_json::from_str(inner).unwrap_or(value);
    }
    if value.is_null() {
        value = Value::Object(Map::new());
    }
    made_plain(&mut value);
    let Some(object) = value.as_object_mut() else {
        return Err(ToolError::Arguments("not an object; write one such as {}".to_owned()));
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    object.retain(|name, value| {
        let nothing = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        let known = properties.is_some_and(|properties| properties.contains_key(name));
        !(nothing && known && !required.contains(&name.as_str()))
    });
    for (name, value) in object.iter_mut() {
        if let Some(property) = properties.and_then(|properties| properties.get(name)) {
            put_right(value, property);
        }
    }
    Ok(value)
}

/// Control characters go: nobody means them, and Postgres takes no NUL.
fn made_plain(value: &mut Value) {
    match value {
        Value::String(text) => *text = plain(text),
        Value::Array(list) => list.iter_mut().for_each(made_plain),
        Value::Object(map) => map.values_mut().for_each(made_plain),
        _ => {}
    }
}

fn put_right(value: &mut Value, schema: &Value) {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let right = match (kind, &*value) {
        ("integer", Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        ("integer", Value::Number(number)) => number
            .as_f64()
            .filter(|it| it.fract() == 0.0 && number.as_i64().is_none())
            .and_then(|it| format!("{it:.0}").parse::<i64>().ok())
            .map(Value::from),
        ("number", Value::String(text)) => text.trim().parse::<f64>().ok().map(Value::from),
        ("boolean", Value::String(text)) => text.trim().to_lowercase().parse::<bool>().ok().map(Value::from),
        ("string", Value::Number(number)) => Some(Value::String(number.to_string())),
        ("string", Value::Bool(it)) => Some(Value::String(it.to_string())),
        ("string", Value::String(text)) => {
            allowed(schema).find(|it| it.eq_ignore_ascii_case(text.trim())).map(Value::from)
        }
        ("array", Value::String(_) | Value::Number(_)) => Some(Value::Array(vec![value.clone()])),
        _ => None,
    };
    if let Some(right) = right {
        *value = right;
    }
}

/// The values that a text may have, where there are few.
fn allowed(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Holds arguments against the schema.
pub(super) fn check(validator: &Validator, arguments: &Value) -> Result<(), ToolError> {
    let problems: Vec<String> = validator
        .iter_errors(arguments)
        .take(TOLD)
        .map(|error| {
            let path = error.instance_path().to_string();
            let at = path.trim_start_matches('/').replace('/', ".");
            if at.is_empty() { error.to_string() } else { format!("`{at}`: {error}") }
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(ToolError::Arguments(text::cut(&problems.join("; "), 500))) }
}

/// Checked arguments as their type.
pub(super) fn read<A: DeserializeOwned>(arguments: Value) -> Result<A, ToolError> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let at = error.path().to_string();
        let inner = error.into_inner();
        ToolError::Arguments(if at == "." { inner.to_string() } else { format!("`{at}`: {inner}") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        One,
        Other,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        /// What to look for.
        #[schemars(length(min = 1, max = 20))]
        query: String,
        /// How many.
        #[serde(default)]
        #[schemars(with = "u8", range(min = 1, max = 9))]
        limit: Option<u8>,
        /// Which.
        #[serde(default)]
        #[schemars(with = "Kind")]
        kind: Option<Kind>,
    }

    fn all(written: &str) -> Result<Arguments, ToolError> {
        let schema = schema::<Arguments>();
        let value = parse(written, &schema)?;
        check(&jsonschema::validator_for(&schema).unwrap(), &value)?;
        read(value)
    }

    #[test]
    fn a_schema_is_strict_and_flat() {
        let expected = json!({
            "type": "object",
            "properties": {
                "query": { "type": "string", "description": "What to look for.", "minLength": 1, "maxLength": 20 },
                "limit": {
                    "type": "integer", "format": "uint8", "description": "How many.", "minimum": 1, "maximum": 9, "default": null
                },
                "kind": { "type": "string", "description": "Which.", "enum": ["one", "other"] },
            },
            "required": ["query"],
            "additionalProperties": false,
        });
        assert_eq!(schema::<Arguments>(), expected);
    }

    #[rstest]
    #[case(json!({"query": "dog"}), None, None)]
    #[case(json!({"query": "dog", "limit": "3", "kind": "OTHER"}), Some(3), Some(Kind::Other))]
    #[case(json!({"query": "dog", "limit": 3.0, "kind": null}), Some(3), None)]
    #[case(json!("{\"query\": \"dog\"}"), None, None)]
    #[case(json!({"query": "d\u{0}og\u{1b}[1m"}), None, None)]
    fn slips_of_form_are_put_right(
        #[case] written: Value,
        #[case] limit: Option<u8>,
        #[case] kind: Option<Kind>,
    ) {
        assert_eq!(all(&written.to_string()), Ok(Arguments { query: "dog".to_owned(), limit, kind }));
    }

    #[rstest]
    #[case("{\"query\": \"dog\", \"limit\": 12}", "`limit`: 12 is greater than the maximum of 9")]
    #[case(
        "{\"query\": \"dog\", \"kind\": \"third\"}",
        "`kind`: \"third\" is not one of \"one\" or \"other\""
    )]
    #[case("{}", "\"query\" is a required property")]
    #[case("{\"query\": \"dog\", \"why\": 1}", "('why' was unexpected)")]
    #[case("{\"query\": \"dog", "not JSON")]
    #[case("[1]", "not an object")]
    #[case("{\"query\": [\"dog\"]}", "`query`: [\"dog\"] is not of type \"string\"")]
    fn an_error_names_the_field_and_what_fits(#[case] written: &str, #[case] expected: &str) {
        let Err(ToolError::Arguments(told)) = all(written) else { panic!("{written} was taken") };
        assert!(told.contains(expected), "{told}");
    }
}
