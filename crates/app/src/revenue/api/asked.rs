//! What every question about revenue may be narrowed by, written once.

/// A query string: the fields that all questions share, and its own.
macro_rules! asked {
    ($(#[$of:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$of])*
        #[derive(serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            /// The day (YYYY-MM-DD); today when left out.
            pub as_of: Option<String>,
            /// A segment's id, or several with commas between; the segment of the moment that counts.
            pub segment: Option<String>,
            /// An owner's e-mail address; `(none)` = without an owner.
            pub owner: Option<String>,
            /// An ISO 4217 code: only accounts that pay in it.
            pub currency: Option<String>,
            /// A SQL expression over attributes, metrics and built-in names, such as `plan = 'Pro' AND employees < 50`.
            pub filter: Option<String>,
            /// `csv` gives a file for spreadsheets instead of JSON.
            pub format: Option<String>,
            $($(#[$doc])* pub $field: $kind,)*
        }

        impl $name {
            fn who(&self) -> crate::revenue::scene::Who {
                crate::revenue::scene::Who {
                    as_of: self.as_of.clone(),
                    segment: self.segment.clone(),
                    owner: self.owner.clone(),
                    currency: self.currency.clone(),
                    filter: self.filter.clone(),
                }
            }
        }
    };
}
pub(super) use asked;
