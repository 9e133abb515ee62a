/*
 * The agent's answer as REST has it: without "id" and "ok", and of a list that is
 * told whole one page, of those that the query asks for, with "total" (those
 * that were asked for) and "next", if there are more. Rules come as a page.
 *
 * These lists are sorted by their key, a text, so that what comes and goes between
 * two pages neither doubles another element nor hides it.
 */
#pragma once

#include <stddef.h>

#include "api/span.h"
#include "api/uri.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/commands.h"

/*
 * line: what the agent said. r may be NULL: as it is. -errno and *reterr in the
 * agent's words, if it refused; -EPROTO.
 */
int lists_answer(const struct command_route *r, const struct uri *u,
		 struct span line, struct text *out, struct err *reterr);
