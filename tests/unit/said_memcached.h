/* Recorded by record-said.py. */
/* clang-format off */
#pragma once

#include "talk.h"

/* limits: table */
static const struct talk_line said_memcached[] = {
	{ 'C',
	  "set k 5 0 3\015\012abc\015\012",
	  18 },
	{ 'S',
	  "STORED\015\012",
	  8 },
	{ 'C',
	  "get k none\015\012",
	  12 },
	{ 'S',
	  "VALUE k 5 3\015\012abc\015\012END\015\012",
	  23 },
	{ 'C',
	  "incr k 1\015\012",
	  10 },
	{ 'S',
	  "CLIENT_ERROR cannot increment or decrement non-numeric value\015\012",
	  62 },
	{ 'C',
	  "delete k noreply\015\012mg k v\015\012",
	  26 },
	{ 'S',
	  "EN\015\012",
	  4 },
	{ 0, NULL, 0 },
};
