//! Recognises CPR numbers in text.
