/*
 * Texts that need not be what JSON takes: names of devices and files are bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * How many bytes the character at s has, 1..4; 0: it is none (of RFC 3629), or
 * the text is at its end.
 */
size_t utf8_char(const char *s);

/*
 * text as it is, if it is UTF-8; else a copy in buf, in which what is none stands
 * as "\xff", and which is cut between characters where buf is full. Two texts of
 * which the copies are whole have different ones, but for who writes a "\x" of his
 * own. size: at least 5.
 */
const char *utf8_text(const char *text, char *buf, size_t size);

/*
 * How many bytes at s, which ends with a NUL, are a character that a terminal or a
 * reader would be tricked by: control characters, and what changes the direction
 * or has no width; *ret is which. 0: it is none, or no UTF-8.
 */
size_t utf8_hidden(const char *s, unsigned *ret);
