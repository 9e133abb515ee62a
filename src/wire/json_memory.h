/*
 * Whether JSON that was put together is whole. Who adds to an object does not look
 * whether there was memory for it (json_object_set_new() of what could not be made
 * is only an error): who sends the whole asks here, before and after.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/* Once, before anything is made of JSON. Not doing it is never to be refused. */
void json_memory_watch(void);

/*
 * So often has this thread been refused memory for JSON. What was made in between
 * may lack something, or lie in memory that is soon needed: it is to be freed.
 */
uint64_t json_memory_refused(void);

/*
 * Its text without spaces, which the caller frees; NULL: out of memory (where
 * json_dumps() of jansson 2.14 may leave something out instead).
 */
char *json_text_whole(const json_t *v);
