//! As much JSON as the results of the test ROMs need.

use std::fmt::Write as _;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// A member of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_u32(&self) -> Option<u32> {
        match self {
            Self::Number(number) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number) => {
                format!("{number:.0}").parse().ok()
            }
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// Reads one value; `None` when the text is not JSON.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text };
        let value = parser.value(0)?;
        parser.space();
        parser.rest.is_empty().then_some(value)
    }

    /// The value as text, indented by two spaces per level.
    pub fn pretty(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text.push('\n');
        text
    }

    fn write(&self, out: &mut String, level: usize) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => {
                let _ = write!(out, "{value}");
            }
            Self::Number(value) => {
                let _ = write!(out, "{value}");
            }
            Self::String(value) => write_string(out, value),
            Self::Array(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    new_line(out, index, level + 1);
                    value.write(out, level + 1);
                }
                close(out, values.len(), level, ']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    new_line(out, index, level + 1);
                    write_string(out, name);
                    out.push_str(": ");
                    value.write(out, level + 1);
                }
                close(out, members.len(), level, '}');
            }
        }
    }
}

fn new_line(out: &mut String, index: usize, level: usize) {
    if index > 0 {
        out.push(',');
    }
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", level));
}

fn close(out: &mut String, count: usize, level: usize, bracket: char) {
    if count > 0 {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", level));
    }
    out.push(bracket);
}

fn write_string(out: &mut String, value: &str) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push_str("\\n"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        if depth > 64 {
            return None;
        }
        if self.take("null") {
            return Some(Value::Null);
        }
        if self.take("true") {
            return Some(Value::Bool(true));
        }
        if self.take("false") {
            return Some(Value::Bool(false));
        }
        if self.take("[") {
            let mut values = Vec::new();
            if self.take("]") {
                return Some(Value::Array(values));
            }
            loop {
                values.push(self.value(depth + 1)?);
                if self.take("]") {
                    return Some(Value::Array(values));
                }
                if !self.take(",") {
                    return None;
                }
            }
        }
        if self.take("{") {
            let mut members = Vec::new();
            if self.take("}") {
                return Some(Value::Object(members));
            }
            loop {
                let name = self.string()?;
                if !self.take(":") {
                    return None;
                }
                members.push((name, self.value(depth + 1)?));
                if self.take("}") {
                    return Some(Value::Object(members));
                }
                if !self.take(",") {
                    return None;
                }
            }
        }
        if self.rest.starts_with('"') {
            return self.string().map(Value::String);
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        number.parse().ok().map(Value::Number)
    }

    fn string(&mut self) -> Option<String> {
        if !self.take("\"") {
            return None;
        }
        let mut text = String::new();
        let mut characters = self.rest.chars();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => text.push(match characters.next()? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'u' => {
                        let digits: String = characters.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&digits, 16).ok()?;
                        char::from_u32(code).unwrap_or('\u{FFFD}')
                    }
                    other => other,
                }),
                other => text.push(other),
            }
        }
        self.rest = characters.as_str();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn reads_what_it_writes() {
        let text = r#"[{"name": "a \"b\"", "cases": 12, "ok": true, "none": null, "list": []}]"#;
        let value = Value::parse(text).unwrap();
        assert_eq!(Value::parse(&value.pretty()), Some(value.clone()));
        let first = &value.as_array().unwrap()[0];
        assert_eq!(first.get("cases").and_then(Value::as_u32), Some(12));
        assert_eq!(first.get("name").and_then(Value::as_str), Some("a \"b\""));
    }

    #[test]
    fn rejects_what_is_not_json() {
        for text in ["", "[", "[1,]", "{\"a\" 1}", "1 2", "\"open"] {
            assert_eq!(Value::parse(text), None, "{text}");
        }
    }
}
