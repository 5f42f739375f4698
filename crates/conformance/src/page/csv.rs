//! Tables as text: fields between commas, in quotes where they have commas themselves.

use super::PageError;

/// The rows below the heading, each with the number of its line.
pub fn rows<const N: usize>(file: &'static str, text: &str, heading: [&str; N]) -> Result<Vec<(usize, [String; N])>, PageError> {
    let mut rows = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let problem = |problem: String| PageError::Table { file, line, problem };
        let fields = fields(content).ok_or_else(|| problem("a quote is not closed".into()))?;
        let count = fields.len();
        let fields: [String; N] = fields.try_into().map_err(|_| problem(format!("{count} fields, where there are {N}")))?;
        match line {
            1 if fields == heading => {}
            1 => return Err(problem(format!("the heading must be \"{}\"", heading.join(",")))),
            _ => rows.push((line, fields)),
        }
    }
    Ok(rows)
}
fn fields(line: &str) -> Option<Vec<String>> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let field = fields.last_mut()?;
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            letter => field.push(letter),
        }
    }
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_commas_and_quotes_are_read() {
        let rows = rows("t.csv", "a,b\none,\"two, \"\"three\"\"\"\n,\n", ["a", "b"]).unwrap();
        assert_eq!(rows[0], (2, ["one".into(), "two, \"three\"".into()]));
        assert_eq!(rows[1], (3, [String::new(), String::new()]));
    }
    #[test]
    fn a_bad_table_names_its_line() {
        let error = |text| rows("t.csv", text, ["a", "b"]).unwrap_err().to_string();
        assert_eq!(error("a,b\n1\n"), "t.csv:2: 1 fields, where there are 2");
        assert_eq!(error("a,b\n1,\"2\n"), "t.csv:2: a quote is not closed");
        assert_eq!(error("b,a\n"), "t.csv:1: the heading must be \"a,b\"");
    }
}
