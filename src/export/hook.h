/*
 * What a webhook is sent of a line, by its shape: the line as it is, or a message
 * as Slack and Teams take them.
 */
#pragma once

#include "export/config.h"
#include "export/item.h"

/* The caller frees it. NULL: out of memory. */
char *hook_body(enum webhook_shape shape, const struct item *i);
