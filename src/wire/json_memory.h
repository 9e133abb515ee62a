/*
 * Whether JSON that was put together is whole. Who adds to an object does not look
 * whether there was memory for it (json_object_set_new() of what could not be made
 * is only an error). So there is a reserve for the moment in which there is none;
 * and who sends a whole that large asks here, before and after.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/*
 * Once, before anything is made of JSON. -ENOMEM: no memory for a reserve. Where it
 * was not called nothing is ever refused.
 */
int json_memory_watch(void);

/*
 * So often has this thread been refused memory for JSON. What was made in between
 * may lack something where the reserve did not do: it is better freed.
 */
uint64_t json_memory_refused(void);

/*
 * Its text without spaces, which the caller frees; NULL: out of memory (where
 * json_dumps() of jansson 2.14 may leave something out instead).
 */
char *json_text_whole(const json_t *v);
