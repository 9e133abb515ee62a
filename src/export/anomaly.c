/*
 * Suricata knows three types: "decode" is what a packet is by itself, "stream" what
 * the packets of a connection, or many, are together, "applayer" what is said in it.
 * Names of the first two begin with what found them, those of the third are in
 * capitals, as there.
 */
#include "export/anomaly.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

#define EVENT_MAX 80

enum layer { UNKNOWN, DECODE, STREAM, APPLAYER };

/* By number (detect/threat.h): those of floods, and the others. */
static const uint8_t floods[] = { [1] = STREAM, [2] = DECODE, [3] = STREAM };
static const uint8_t others[] = {
	[1] = DECODE,	 [2] = DECODE,	  [3] = STREAM,	   [4] = STREAM,
	[5] = STREAM,	 [6] = DECODE,	  [7] = APPLAYER,  [8] = APPLAYER,
	[9] = APPLAYER,	 [10] = APPLAYER, [11] = APPLAYER, [12] = APPLAYER,
	[13] = APPLAYER, [14] = APPLAYER, [15] = APPLAYER, [16] = STREAM,
	[17] = APPLAYER, [18] = APPLAYER, [19] = APPLAYER, [20] = DECODE,
	[21] = APPLAYER, [22] = APPLAYER, [23] = APPLAYER, [25] = STREAM,
	[26] = STREAM,	 [27] = APPLAYER,
};

static enum layer layer_of(uint64_t id)
{
	if (id >= 1000 && id - 1000 < sizeof floods)
		return floods[id - 1000];
	if (id >= 2000 && id - 2000 < sizeof others)
		return others[id - 2000];
	return UNKNOWN;
}

static char letter(enum layer layer, unsigned char c)
{
	if (layer == APPLAYER)
		return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* "ping of death" -> "decoder.ping_of_death"; "SSL 2.0" -> "SSL_2_0". */
static const char *event_of(enum layer layer, const char *name,
			    char buf[EVENT_MAX])
{
	static const char *const begins[] = {
		[DECODE] = "decoder.", [STREAM] = "stream.", [APPLAYER] = ""
	};
	size_t n = (size_t)snprintf(buf, EVENT_MAX, "%s", begins[layer]);

	for (; *name && n < EVENT_MAX - 1; name++) {
		unsigned char c = (unsigned char)*name;

		if (isalnum(c))
			buf[n++] = letter(layer, c);
		else if (n > 0 && buf[n - 1] != '_' && buf[n - 1] != '.')
			buf[n++] = '_';
	}
	buf[n] = '\0';
	return buf;
}

json_t *anomaly_of(uint64_t id, const char *name)
{
	static const char *const types[] = { [DECODE] = "decode",
					     [STREAM] = "stream",
					     [APPLAYER] = "applayer" };
	enum layer layer = layer_of(id);
	char event[EVENT_MAX];

	if (layer == UNKNOWN)
		return json_pack("{s:s, s:s, s:I}", "type", "unknown", "event",
				 name, "code", (json_int_t)id);
	return json_pack("{s:s, s:s, s:s*}", "type", types[layer], "event",
			 event_of(layer, name, event), "layer",
			 layer == APPLAYER ? "proto_parser" : NULL);
}
