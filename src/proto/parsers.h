/*
 * The list of parsers, and the question which of them it is.
 */
#pragma once

#include "proto/parser.h"

/* More there are not. */
#define PARSERS_ALL_MAX 64

/* In the order in which they are asked; NULL behind the last. */
const struct proto_parser *proto_parser_at(unsigned i);
/* NULL: no parser has that application. */
const struct proto_parser *proto_parser_of(uint32_t app);

/* Its place in the list. */
unsigned proto_parser_place(const struct proto_parser *p);

/* Bit i: parser i is not ruled out yet. All ones at first. */
#define PARSERS_ALL UINT64_MAX

/*
 * Asks those of *candidates, and takes out who says no. The first that says
 * yes, or NULL: *candidates is then who may still be it; 0: none of ours.
 */
const struct proto_parser *proto_recognise(const struct proto_opening *o,
					   uint64_t *candidates);
