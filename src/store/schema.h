/*
 * The tables, and how an older file becomes one of this version.
 */
#pragma once

#include <sqlite3.h>

/* The version of a file with all of them. */
#define SCHEMA_VERSION 6

/*
 * Brings db from its version (0: an empty file) to `version`, step by step, each
 * in one transaction. SQLITE_OK; SQLITE_MISMATCH: the file's version is later
 * (or negative: none of ours), *ret_found tells it; else SQLite's own code, and the file has the version of
 * the last step that was done.
 */
int schema_upgrade(sqlite3 *db, int version, int *ret_found);
