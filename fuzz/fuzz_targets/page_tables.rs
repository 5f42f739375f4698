#![cfg_attr(fuzzing, no_main)]
turtle86_fuzz::target!(page_tables);
