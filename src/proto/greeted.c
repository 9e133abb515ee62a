/*
 * Theory. A greeting alone is weak: FTP's 220 is SMTP's, too, and "+OK" is said
 * by Redis. So the client's first command must be one that clients begin with,
 * and that no other of these has (SMTP begins with EHLO).
 *
 *   FTP   S "220 ..." or "220-..."    C "USER anonymous"
 *   POP3  S "+OK ..."                 C "CAPA"
 *   IMAP  S "* OK ..."                C "a1 CAPABILITY": a tag before it
 *
 * libndpi, which knows the three, waits for a name and a password, which is more
 * packets than are looked at.
 */
#include "proto/greeted.h"

#include "proto/text.h"

/* A tag or a command; those of clients have 13 at most. */
#define WORD_MAX 32

struct language {
	const char *greetings[3]; /* NULL: no more */
	bool tagged;
	const char *commands[13]; /* lower case; NULL: no more */
};

static const struct language ftp = {
	{ "220 ", "220-", NULL },
	false,
	{ "user", "auth", "feat", "syst", "opts", "host", "clnt", "acct",
	  "pbsz", NULL },
};
static const struct language pop3 = {
	{ "+OK", NULL },
	false,
	{ "user", "capa", "apop", "auth", "stls", "utf8", NULL },
};
static const struct language imap = {
	{ "* OK", "* PREAUTH", NULL },
	true,
	{ "capability", "login", "authenticate", "starttls", "id", "noop",
	  "logout", "select", "examine", "list", "namespace", "enable", NULL },
};

/* YES: *ret is what is before the next blank or end of line, which stay. */
static enum proto_guess take_word(struct bytes *b, struct bytes *ret)
{
	size_t n = 0;

	while (n < bytes_len(*b) && b->begin[n] > ' ' && b->begin[n] < 0x7f)
		n++;
	if (n > WORD_MAX || (n == 0 && bytes_len(*b) > 0))
		return PROTO_NO;
	if (n == bytes_len(*b))
		return PROTO_MAYBE;
	(void)take_bytes(b, n, ret); /* there are as many */
	return PROTO_YES;
}

static enum proto_guess is_greeting(struct bytes b, const struct language *l)
{
	enum proto_guess best = PROTO_NO;

	for (size_t i = 0; l->greetings[i] && best != PROTO_YES; i++) {
		enum proto_guess g = text_begins(b, l->greetings[i]);

		if (g != PROTO_NO)
			best = g;
	}
	return best;
}

static enum proto_guess is_command(struct bytes b, const struct language *l)
{
	enum proto_guess g;
	struct bytes word = { NULL, NULL };
	uint8_t blank;

	if (l->tagged) {
		g = take_word(&b, &word);
		if (g != PROTO_YES)
			return g;
		if (!take_u8(&b, &blank) || blank != ' ')
			return PROTO_NO;
	}
	g = take_word(&b, &word);
	if (g != PROTO_YES)
		return g;
	for (size_t i = 0; l->commands[i]; i++)
		if (text_is_nocase(word, l->commands[i]))
			return PROTO_YES;
	return PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o,
				  const struct language *l)
{
	struct bytes client = o->said[PROTO_CLIENT];
	enum proto_guess greeting, command;

	if (o->first != PROTO_SERVER)
		return PROTO_NO;
	greeting = is_greeting(o->said[PROTO_SERVER], l);
	if (greeting == PROTO_NO || bytes_len(client) == 0)
		return greeting == PROTO_NO ? PROTO_NO : PROTO_MAYBE;
	command = is_command(client, l);
	return command == PROTO_YES ? greeting : command;
}

static enum proto_guess recognise_ftp(const struct proto_opening *o)
{
	return recognise(o, &ftp);
}

static enum proto_guess recognise_pop3(const struct proto_opening *o)
{
	return recognise(o, &pop3);
}

static enum proto_guess recognise_imap(const struct proto_opening *o)
{
	return recognise(o, &imap);
}

const struct proto_parser proto_ftp = {
	.name = "ftp",
	.app = APP_FTP,
	.tcp = true,
	.recognise = recognise_ftp,
};

const struct proto_parser proto_pop3 = {
	.name = "pop3",
	.app = APP_POP3,
	.tcp = true,
	.recognise = recognise_pop3,
};

const struct proto_parser proto_imap = {
	.name = "imap",
	.app = APP_IMAP,
	.tcp = true,
	.recognise = recognise_imap,
};
