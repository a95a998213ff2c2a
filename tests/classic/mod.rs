//! The documented calls of other systems: a file for each, written from its document.

mod moving;
