/*
 * Texts that others chose - names of containers, images, labels, what a peer said -
 * as they may be printed: what a terminal would obey instead of showing it is
 * written as an escape. Said once of a whole answer before it is printed as text;
 * -o json and yaml have escapes of their own.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

/*
 * All texts in it, and names of members: control characters (C0, DEL, C1) as
 * "\n" or "\x1b", those that change the direction of writing or are not seen as
 * "\u202e". NULL is accepted.
 */
void visible_make(json_t *value);
/* The same of one text, cut where buf is full; at least 8 bytes. Returns buf. */
const char *visible_text(const char *text, char *buf, size_t size);
