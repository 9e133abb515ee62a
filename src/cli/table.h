/*
 * Rows of text in aligned columns. Cells may hold UTF-8 (a code point counts
 * one column).
 */
#pragma once

#include <stddef.h>

#define TABLE_COLS_MAX 32 /* bits of `right` */

struct table {
	unsigned cols;	/* 1..TABLE_COLS_MAX */
	unsigned right; /* bit i: column i is aligned to the right */
	char **cells;	/* owned, row by row */
	size_t n;
};

/* Starts empty; end with table_done(). */
void table_init(struct table *t, unsigned cols, unsigned right);
void table_done(struct table *t);
/*
 * The next cell, left to right, row by row. Out of memory: ends the program. In a
 * row whose first cell is empty, which goes on with the one above, the last cell
 * makes its column no wider.
 */
void table_add(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Prints all on stdout, each row after `indent` spaces; the first row (the
 * heading) between `head_on` and `head_off`.
 */
void table_print(const struct table *t, int indent, const char *head_on,
		 const char *head_off);
