/*
 * What was sent by somebody outside, as it may be looked at: in a terminal, or in
 * a chat.
 */
#pragma once

/*
 * Takes JSON of one line, and gives the same value, in which such characters
 * stand as \u009b: the caller's. NULL is accepted; NULL: out of memory.
 */
char *visible_json(char *json);
/* In a text they are '.', and what would be another line is ' '. In place. */
void visible_line(char *text);
