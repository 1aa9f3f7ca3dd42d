//! Handlers with their paths, documents and permissions, collected for the list of routes.

use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::Operation;
use utoipa_axum::router::UtoipaMethodRouter;

use crate::App;

/// What a caller needs, said by a type among the parameters of every handler.
pub trait Permission {
    /// The name in the document of the API (`x-permission`): `anyone`, `ingest`, `viewer`, `csm`, `manager` or `admin`.
    const NAME: &'static str;
}

/// A handler with a [`Permission`] among its first three parameters. `T` is its parameters and the permission's place, both inferred.
pub trait Guarded<T> {
    /// The permission's name.
    const PERMISSION: &'static str;
}

/// The permission is the first parameter.
pub struct First;
/// The permission is the second parameter.
pub struct Second;
/// The permission is the third parameter.
pub struct Third;

macro_rules! guarded {
    ($place:ident: [$($before:ident),*] [$($after:ident),*]) => {
        impl<F, R, P: Permission, $($before,)* $($after),*> Guarded<($place, $($before,)* P, $($after,)*)> for F
        where
            F: Fn($($before,)* P, $($after),*) -> R,
        {
            const PERMISSION: &'static str = P::NAME;
        }
    };
    ($place:ident: [$($before:ident),*]) => {
        guarded!($place: [$($before),*] []);
        guarded!($place: [$($before),*] [A]);
        guarded!($place: [$($before),*] [A, B]);
        guarded!($place: [$($before),*] [A, B, C]);
        guarded!($place: [$($before),*] [A, B, C, D]);
        guarded!($place: [$($before),*] [A, B, C, D, E]);
        guarded!($place: [$($before),*] [A, B, C, D, E, G]);
    };
}
guarded!(First: []);
guarded!(Second: [X]);
guarded!(Third: [X, Y]);

/// The permission that a handler's signature states.
pub fn permission_of<T, F: Guarded<T>>(_handler: &F) -> &'static str {
    F::PERMISSION
}

/// Writes permission, unique operation id and the common answers into the document of one handler's operations.
pub fn describe(
    mut route: UtoipaMethodRouter<App>,
    permission: &'static str,
    module: &str,
    name: &str,
) -> UtoipaMethodRouter<App> {
    for item in route.1.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
            &mut item.head,
            &mut item.options,
        ];
        for operation in operations.into_iter().flatten() {
            describe_operation(operation, permission, module, name);
        }
    }
    route
}

fn describe_operation(operation: &mut Operation, permission: &'static str, module: &str, name: &str) {
    let function = name.rsplit("::").next().unwrap_or(name).trim();
    if operation.operation_id.as_deref() == Some(function) {
        // Two slices may both have a `list`; the ids of a document are unique.
        let slice = module.split("::").nth(1).unwrap_or("api");
        let handler: String = name.split("::").map(str::trim).collect::<Vec<_>>().join("_");
        operation.operation_id = Some(format!("{slice}_{handler}"));
    }
    let mark = ExtensionsBuilder::new().add("x-permission", permission).build();
    match &mut operation.extensions {
        Some(extensions) => extensions.merge(mark),
        none => *none = Some(mark),
    }
    if permission == "anyone" {
        operation.security = Some(vec![utoipa::openapi::security::SecurityRequirement::default()]);
    }
    let problem = utoipa::openapi::Ref::new("#/components/responses/Problem");
    operation
        .responses
        .responses
        .entry("default".to_owned())
        .or_insert_with(|| problem.into());
}

/// Puts several handlers of one slice together.
pub fn join(mut all: UtoipaMethodRouter<App>, one: UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App> {
    all.0.extend(one.0);
    for (path, item) in one.1.paths {
        match all.1.paths.get_mut(&path) {
            Some(known) => known.merge_operations(item),
            None => {
                all.1.paths.insert(path, item);
            }
        }
    }
    (all.0, all.1, all.2.merge(one.2))
}

/// Collects handlers of **one path** (each with another method) with their documents and permissions:
/// `OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show))`.
/// Each handler takes a [`Permission`] as its first, second or third parameter.
macro_rules! routes {
    ($first:path $(, $more:path)* $(,)?) => {{
        let all = $crate::web::describe(
            utoipa_axum::routes!($first), $crate::web::permission_of(&$first), module_path!(), stringify!($first),
        );
        $(
            let all = $crate::web::join(all, $crate::web::describe(
                utoipa_axum::routes!($more), $crate::web::permission_of(&$more), module_path!(), stringify!($more),
            ));
        )*
        all
    }};
}
pub(crate) use routes;
