//! `calculator`: exact arithmetic with units, by fend. What would make it a programming language is not let through.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use fend_core::Interrupt;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, text};
use crate::llm::ToolSpec;

/// How long one sum may take.
const LONGEST: Duration = Duration::from_millis(400);
/// Parentheses in one another: each takes some of the stack.
const DEEPEST: usize = 24;
/// The greatest number that may stand alone, in digits: `9^9^9` is stopped by time, but memory is taken at once.
const DIGITS: usize = 40;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to compute, such as `(17.5 * 3) / 2`, `15% of 80`, `sqrt 2`, `5 miles in km`.
    #[schemars(length(min = 1, max = 200))]
    expression: String,
}

pub(super) struct Calculator;

struct Until(Instant);

impl Interrupt for Until {
    fn should_interrupt(&self) -> bool {
        Instant::now() >= self.0
    }
}

#[async_trait]
impl Tool for Calculator {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "calculator",
            "Computes exactly: + - * / ^ %, roots, logarithms, trigonometry, and conversions of units.",
        )
    }

    fn permission(&self) -> Permission {
        Permission::Read
    }

    fn cost(&self) -> CostClass {
        CostClass::Free
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn call(&self, _context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Arguments { expression } = argument::read(arguments)?;
        plain(&expression)?;
        let done = tokio::task::spawn_blocking(move || compute(&expression)).await;
        done.map_err(|_| ToolError::Failed("this cannot be computed".to_owned()))?
    }
}

/// Numbers, units and signs: nothing that defines, assigns or calls itself.
fn plain(expression: &str) -> Result<(), ToolError> {
    let wrong = |why: &str| Err(ToolError::Arguments(format!("`expression`: {why}")));
    let strange = |c: char| !(c.is_alphanumeric() || " .,+-*/^%()!°$€£×÷·−π√".contains(c));
    if let Some(c) = expression.chars().find(|c| strange(*c)) {
        return wrong(&format!("`{c}` has no place in it; write numbers, units and + - * / ^ % ( )"));
    }
    let mut depth = 0_usize;
    for c in expression.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return wrong("too many parentheses in one another");
        }
    }
    if expression.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > DIGITS) {
        return wrong("a number has at most 40 digits");
    }
    Ok(())
}

fn compute(expression: &str) -> Result<String, ToolError> {
    let mut context = fend_core::Context::new();
    context.disable_rng();
    let until = Until(Instant::now() + LONGEST);
    match fend_core::evaluate_with_interrupt(expression, &mut context, &until) {
        // A function without a number, and nothing at all, are no results.
        Ok(result) if !result.get_main_result().contains(|c: char| c.is_ascii_digit()) => {
            Err(ToolError::Arguments("`expression`: there is nothing to compute".to_owned()))
        }
        Ok(result) => Ok(format!("{expression} = {}", text::cut(result.get_main_result(), 300))),
        Err(why) if why == "interrupted" => {
            Err(ToolError::Refused("this takes too long to compute".to_owned()))
        }
        Err(why) => Err(ToolError::Arguments(format!("`expression`: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn all(expression: &str) -> Result<String, ToolError> {
        plain(expression)?;
        compute(expression)
    }

    #[rstest]
    #[case("2 + 2 * 3", "8")]
    #[case("0.1 + 0.2", "0.3")]
    #[case("15% of 80", "12")]
    #[case("sqrt(16)", "4")]
    #[case("5 km in m", "5000 m")]
    #[case("2^100", "1267650600228229401496703205376")]
    fn sums_are_exact(#[case] expression: &str, #[case] expected: &str) {
        assert_eq!(all(expression), Ok(format!("{expression} = {expected}")));
    }

    #[rstest]
    #[case("(\\x. x x) (\\x. x x)")]
    #[case("f = x: f x")]
    #[case("x => x")]
    #[case("1; 2")]
    #[case("@debug 1")]
    #[case("1 / 0")]
    #[case("")]
    #[case("))((")]
    fn what_is_no_sum_is_told(#[case] expression: &str) {
        assert!(matches!(all(expression), Err(ToolError::Arguments(_))), "{:?}", all(expression));
    }

    #[test]
    fn no_depth_and_no_size_brings_it_down() {
        let deep = format!("{}1{}", "(".repeat(90), ")".repeat(90));
        assert!(matches!(all(&deep), Err(ToolError::Arguments(_))));
        for huge in ["9^9^9^9", "99999999!", "2^(2^40)", &"-".repeat(190)] {
            let began = Instant::now();
            assert!(all(huge).is_err(), "{huge}");
            assert!(began.elapsed() < Duration::from_secs(20), "{huge}");
        }
    }
}
