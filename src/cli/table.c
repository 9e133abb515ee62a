#include "cli/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bug.h"

#define GAP 2

void table_init(struct table *t, unsigned cols, unsigned right)
{
	BUG_ON(cols == 0 || cols > TABLE_COLS_MAX);
	*t = (struct table){ .cols = cols, .right = right };
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ 0 };
}

void table_add(struct table *t, const char *fmt, ...)
{
	char **cells = reallocarray(t->cells, t->n + 1, sizeof *cells);
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (!cells || n < 0)
		die("out of memory");
	t->cells = cells;
	t->cells[t->n++] = text;
}

/* Continuation bytes of UTF-8 take no column. */
static int width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* No blanks behind the last cell that has something in it. */
static unsigned used_cols(const struct table *t, size_t first)
{
	unsigned n = 0;

	for (unsigned c = 0; c < t->cols && first + c < t->n; c++)
		if (t->cells[first + c][0])
			n = c + 1;
	return n;
}

/* Has it all the room that is right of it, in a row that goes on with the one above? */
static bool is_line(const struct table *t, size_t first, unsigned col)
{
	return !t->cells[first][0] && used_cols(t, first) == col + 1;
}

static int column_width(const struct table *t, unsigned col)
{
	int max = 0;

	for (size_t i = 0; i + col < t->n; i += t->cols)
		if (width(t->cells[i + col]) > max && !is_line(t, i, col))
			max = width(t->cells[i + col]);
	return max;
}

static void print_row(const struct table *t, const int *widths, size_t first)
{
	unsigned used = used_cols(t, first);

	for (unsigned c = 0; c < used; c++) {
		const char *cell = t->cells[first + c];
		int pad = widths[c] - width(cell);

		if (c > 0)
			printf("%*s", GAP, "");
		if (t->right & 1u << c)
			printf("%*s%s", pad > 0 ? pad : 0, "", cell);
		else
			printf("%s%*s", cell, c + 1 < used ? pad : 0, "");
	}
}

void table_print(const struct table *t, int indent, const char *head_on,
		 const char *head_off)
{
	int widths[TABLE_COLS_MAX] = { 0 };

	for (unsigned c = 0; c < t->cols; c++)
		widths[c] = column_width(t, c);
	for (size_t i = 0; i < t->n; i += t->cols) {
		printf("%*s%s", indent, "", i == 0 ? head_on : "");
		print_row(t, widths, i);
		printf("%s\n", i == 0 ? head_off : "");
	}
}
