//! Guest programs shared by the benches.
