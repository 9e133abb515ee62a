/*
 * Names of the rule language: buffers, transforms, classes of alerts, actions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detect/sig.h"

/* A buffer's name, as printed; static storage. */
const char *sig_buffer_name(unsigned buffer);
/*
 * The buffer that a keyword makes the current one ("http.uri", "file_data"), or,
 * modifier, that it moves the content before it to ("http_uri").
 * SIG_BUFFER__MAX: none.
 */
unsigned sig_buffer_by_name(const char *name, bool *ret_modifier);
/* 'C', 'S' or 'B': who says it. */
char sig_buffer_side(unsigned buffer);
/* Does it come in any number of pieces? */
bool sig_buffer_in_pieces(unsigned buffer);
/* The i-th name that is no field's own, for documents; NULL behind the last. */
const char *sig_buffer_alias(unsigned i, const char **ret_means,
			     bool *ret_modifier);

const char *sig_transform_name(enum sig_transform t);
/* SIG_TRANSFORM__MAX: there is none of that name. */
enum sig_transform sig_transform_by_name(const char *name);

/* SIG_ACTION__MAX: there is none of that name. */
enum sig_action sig_action_by_name(const char *name);

/* Suricata's priority of a class; 3: not known. */
uint8_t sig_class_priority(const char *classtype);

/* An application by our name or Suricata's; 0: not known here. */
uint32_t sig_app_by_name(const char *name);
