//! Character files: parsed strictly, checked, watched, swapped whole.
