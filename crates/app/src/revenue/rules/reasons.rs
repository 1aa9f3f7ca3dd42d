//! Why customers leave: the codes of DEFINITIONS §3, and what a record of a reason must hold.

/// A code with the name that people read.
pub struct Code {
    /// In data.
    pub code: &'static str,
    /// For people.
    pub label: &'static str,
}

/// What stands where no reason is on record.
pub const UNKNOWN: &str = "unknown";

/// The five primary reasons, and `unknown`, which needs a comment that says what was tried.
pub const CODES: [Code; 6] = [
    Code {
        code: "feature_gaps",
        label: "Feature gaps",
    },
    Code {
        code: "support_issues",
        label: "Support issues",
    },
    Code {
        code: "pricing",
        label: "Pricing",
    },
    Code {
        code: "company_change",
        label: "Company change",
    },
    Code {
        code: "competitor",
        label: "Competitor",
    },
    Code {
        code: UNKNOWN,
        label: "Unknown",
    },
];

/// The longest comment, in characters.
pub const LONGEST_COMMENT: usize = 2_000;

/// Whether a code is one of [`CODES`].
#[must_use]
pub fn known(code: &str) -> bool {
    CODES.iter().any(|known| known.code == code)
}

/// A field at fault: its name, its value, what is wrong and what to do.
pub type Fault = (&'static str, String, String, String);

/// A reason as a person gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The primary reason.
    pub primary: String,
    /// Further ones, in the order of [`CODES`], without the primary one.
    pub secondary: Vec<String>,
    /// Who the customer goes to.
    pub competitor: Option<String>,
    /// In the customer's words.
    pub comment: Option<String>,
}

/// Checks a reason and brings it into its one form.
///
/// # Errors
/// The first field at fault.
pub fn check(
    primary: &str,
    secondary: &[String],
    competitor: Option<&str>,
    comment: Option<&str>,
) -> Result<Given, Fault> {
    let list = CODES.map(|code| code.code).join(", ");
    if !known(primary) {
        return Err((
            "primary",
            primary.to_owned(),
            "is not one of the reasons".to_owned(),
            format!("use one of {list}"),
        ));
    }
    if let Some(wrong) = secondary
        .iter()
        .find(|code| !known(code) || code.as_str() == UNKNOWN)
    {
        return Err((
            "secondary",
            wrong.clone(),
            "is not one of the reasons that may be added".to_owned(),
            format!("use some of {list}, but not unknown"),
        ));
    }
    let text = |value: Option<&str>| {
        value
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    };
    let (competitor, comment) = (text(competitor), text(comment));
    for (field, value) in [("comment", &comment), ("competitor", &competitor)] {
        if let Some(value) = value
            && value.chars().count() > LONGEST_COMMENT
        {
            return Err((
                field,
                value.chars().take(40).collect(),
                format!("is longer than {LONGEST_COMMENT} characters"),
                "shorten it; a long text belongs into a note".to_owned(),
            ));
        }
    }
    if primary == UNKNOWN && comment.is_none() {
        return Err((
            "comment",
            String::new(),
            "is missing, and the reason is unknown".to_owned(),
            "say what was tried to find it out".to_owned(),
        ));
    }
    let secondary = CODES
        .iter()
        .map(|code| code.code)
        .filter(|code| *code != primary && secondary.iter().any(|given| given == code))
        .map(str::to_owned)
        .collect();
    Ok(Given {
        primary: primary.to_owned(),
        secondary,
        competitor,
        comment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_reason_has_one_form() {
        let given = check(
            "pricing",
            &texts(&["competitor", "pricing", "feature_gaps", "competitor"]),
            Some(" Acme "),
            Some("  "),
        )
        .unwrap();
        assert_eq!(given.secondary, texts(&["feature_gaps", "competitor"]));
        assert_eq!((given.competitor.as_deref(), given.comment), (Some("Acme"), None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let field = |it: Result<Given, Fault>| it.unwrap_err().0;
        assert_eq!(field(check("", &[], None, None)), "primary");
        assert_eq!(field(check("price", &[], None, None)), "primary");
        assert_eq!(
            field(check("pricing", &texts(&["unknown"]), None, None)),
            "secondary"
        );
        assert_eq!(field(check("unknown", &[], None, Some(" "))), "comment");
        assert_eq!(
            field(check("pricing", &[], None, Some(&"x".repeat(2_001)))),
            "comment"
        );
        assert!(check("unknown", &[], None, Some("no answer to three calls")).is_ok());
    }
}
