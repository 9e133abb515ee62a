/* Recorded by record-said.py. */
/* clang-format off */
#pragma once

#include "talk.h"

/* limits: table */
static const struct talk_line said_mosquitto_pub[] = {
	{ 'C',
	  "\020 \000\004MQTT\004\306\000<\000\002c1\000\004gone\000\001x\000"
	  "\003bob\000\002pw",
	  34 },
	{ 'S',
	  " \002\000\000",
	  4 },
	{ 'C',
	  "3\014\000\003a/b\000\001hello",
	  14 },
	{ 'S',
	  "@\002\000\001",
	  4 },
	{ 'C',
	  "\340\000",
	  2 },
	{ 0, NULL, 0 },
};

/* limits: table */
static const struct talk_line said_mosquitto_sub[] = {
	{ 'C',
	  "\020\022\000\004MQTT\005\002\000<\003!\000\001\000\002c2",
	  20 },
	{ 'S',
	  " \011\000\000\006\042\000\012!\000\024",
	  11 },
	{ 'C',
	  "\202\015\000\001\000\000\003a/#\000\000\001z\000",
	  15 },
	{ 'S',
	  "\220\005\000\001\000\000\0001\013\000\003a/b\000hello",
	  20 },
	{ 'C',
	  "\340\000",
	  2 },
	{ 0, NULL, 0 },
};
