/* Words of the text form that mean something else than themselves. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "intent/model.h"

#define INTENT_API_VERSION "weir/v1"
#define INTENT_KIND	   "Policy"

/* "any", "tcp", "tcp/443", "udp/8000-8100", "tcp/http", "icmp", "ip/47". */
bool port_word_parse(const char *text, struct port_word *ret);
bool port_name_is_valid(const char *name);
#define PORT_WORD_MAX 24
const char *port_word_format(const struct port_word *p,
			     char buf[static PORT_WORD_MAX]);

/* UTC: "2027-01-31T12:00:00Z"; "2027-01-31" is its first second. */
bool time_word_parse(const char *text, int64_t *ret);
#define TIME_WORD_MAX 32
const char *time_word_format(int64_t t, char buf[static TIME_WORD_MAX]);
