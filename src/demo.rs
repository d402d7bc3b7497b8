//! Clinics, certificates, policies and the proxy in one process: tavs seen at work.

mod caller;
mod clinics;
mod origin;
mod people;
mod view;
