#include "detect/sig_names.h"

#include <string.h>

#include "wire/app.h"

struct alias {
	const char *name;
	uint8_t buffer;
	bool modifier;
};

/* Suricata's names that are not our fields', older ones too. */
static const struct alias aliases[] = {
	{ "file_data", SIG_BUFFER_FILE, false },
	{ "file.data", SIG_BUFFER_FILE, false },
	{ "pkt_data", SIG_BUFFER_PAYLOAD, false },
	{ "dns_query", FIELD_DNS_QUERY, false },
	{ "tls_sni", FIELD_TLS_SNI, false },
	{ "tls_cert_subject", FIELD_TLS_CERT_SUBJECT, false },
	{ "tls_cert_issuer", FIELD_TLS_CERT_ISSUER, false },
	{ "ja3_hash", FIELD_JA3_HASH, false },
	{ "ja4.hash", FIELD_JA4, false },
	{ "ssh_proto", FIELD_SSH_PROTO, false },
	{ "ssh_software", FIELD_SSH_SOFTWARE, false },
	{ "http_method", FIELD_HTTP_METHOD, true },
	{ "http_uri", FIELD_HTTP_URI, true },
	{ "http_raw_uri", FIELD_HTTP_URI_RAW, true },
	{ "http_header", FIELD_HTTP_HEADER, true },
	{ "http_cookie", FIELD_HTTP_COOKIE, true },
	{ "http_user_agent", FIELD_HTTP_USER_AGENT, true },
	{ "http_host", FIELD_HTTP_HOST, true },
	{ "http_client_body", FIELD_HTTP_REQUEST_BODY, true },
	{ "http_server_body", FIELD_HTTP_RESPONSE_BODY, true },
	{ "http_stat_code", FIELD_HTTP_STAT_CODE, true },
	{ "http_stat_msg", FIELD_HTTP_STAT_MSG, true },
};
#define ALIASES (sizeof aliases / sizeof *aliases)

const char *sig_buffer_name(unsigned buffer)
{
	if (buffer < FIELD__MAX)
		return proto_field_name((enum proto_field)buffer);
	if (buffer == SIG_BUFFER_FILE)
		return "file_data";
	return buffer == SIG_BUFFER_NOTE ? "app-layer-event" : "pkt_data";
}

unsigned sig_buffer_by_name(const char *name, bool *ret_modifier)
{
	enum proto_field f = proto_field_by_name(name);

	*ret_modifier = false;
	if (f != FIELD__MAX)
		return f;
	for (size_t i = 0; i < ALIASES; i++) {
		if (strcmp(aliases[i].name, name) != 0)
			continue;
		*ret_modifier = aliases[i].modifier;
		return aliases[i].buffer;
	}
	return SIG_BUFFER__MAX;
}

char sig_buffer_side(unsigned buffer)
{
	return buffer < FIELD__MAX ? proto_field_side((enum proto_field)buffer)
				   : 'B';
}

bool sig_buffer_in_pieces(unsigned buffer)
{
	return buffer >= FIELD__MAX ||
	       proto_field_in_pieces((enum proto_field)buffer);
}

const char *sig_buffer_alias(unsigned i, const char **ret_means,
			     bool *ret_modifier)
{
	if (i >= ALIASES)
		return NULL;
	*ret_means = sig_buffer_name(aliases[i].buffer);
	*ret_modifier = aliases[i].modifier;
	return aliases[i].name;
}

static const char *const transforms[SIG_TRANSFORM__MAX] = {
	[SIG_TO_LOWERCASE] = "to_lowercase",
	[SIG_TO_UPPERCASE] = "to_uppercase",
	[SIG_URL_DECODE] = "url_decode",
	[SIG_STRIP_WHITESPACE] = "strip_whitespace",
	[SIG_COMPRESS_WHITESPACE] = "compress_whitespace",
	[SIG_REPLACE_COMMENTS] = "replace_comments",
	[SIG_FROM_BASE64] = "from_base64",
	[SIG_UNESCAPE] = "unescape",
};

const char *sig_transform_name(enum sig_transform t)
{
	return transforms[t];
}

enum sig_transform sig_transform_by_name(const char *name)
{
	unsigned t = 0;

	while (t < SIG_TRANSFORM__MAX && strcmp(transforms[t], name) != 0)
		t++;
	return (enum sig_transform)t;
}

static const char *const actions[SIG_ACTION__MAX] = {
	[SIG_PASS] = "pass",
	[SIG_DROP] = "drop",
	[SIG_REJECT] = "reject",
	[SIG_ALERT] = "alert",
};

const char *sig_action_name(enum sig_action a)
{
	return actions[a];
}

enum sig_action sig_action_by_name(const char *name)
{
	unsigned a = 0;

	while (a < SIG_ACTION__MAX && strcmp(actions[a], name) != 0)
		a++;
	return (enum sig_action)a;
}

/* Names of one priority, with a space before and behind each. */
static const char *const classes[] = {
	NULL,
	" attempted-admin attempted-user credential-theft domain-c2 "
	"exploit-kit inappropriate-content command-and-control "
	"policy-violation shellcode-detect successful-admin successful-user "
	"targeted-activity trojan-activity unsuccessful-user "
	"web-application-attack ",
	" attempted-dos attempted-recon bad-unknown coin-mining "
	"default-login-attempt denial-of-service external-ip-check "
	"misc-attack non-standard-protocol pup-activity rpc-portmap-decode "
	"social-engineering successful-dos successful-recon-largescale "
	"successful-recon-limited suspicious-filename-detect "
	"suspicious-login system-call-detect unusual-client-port-connection "
	"web-application-activity ",
};

uint8_t sig_class_priority(const char *classtype)
{
	size_t len = strlen(classtype);

	for (unsigned i = 1; i < sizeof classes / sizeof *classes; i++) {
		const char *at = classes[i];

		while (len > 0 && (at = strstr(at, classtype)) != NULL) {
			if (at[-1] == ' ' && at[len] == ' ')
				return (uint8_t)i;
			at += len;
		}
	}
	return 3;
}

uint32_t sig_app_by_name(const char *name)
{
	static const char *const other[][2] = {
		{ "http1", "http" },
		{ "ssl", "tls" },
		{ "pgsql", "postgresql" },
	};

	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		if (strcmp(other[i][0], name) == 0)
			return app_by_name(other[i][1]);
	return app_by_name(name);
}
