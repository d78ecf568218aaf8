#pragma once

/// Marks what a shared library of Kindred shows. Everything is compiled with hidden visibility; a
/// public header opens its namespace as `namespace KINDRED_API kindred {`, which makes what it
/// declares visible, Error's type information included: exceptions are caught by type across the
/// library's border. KINDRED_HIDDEN takes back what a header names but does not show, where it is
/// defined: `struct KINDRED_HIDDEN Embedder::Impl {`.
#define KINDRED_API [[gnu::visibility("default")]]
#define KINDRED_HIDDEN __attribute__((visibility("hidden")))
