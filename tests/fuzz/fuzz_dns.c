/*
 * The input as one DNS message, and as a TCP stream of them. What is called
 * good must be readable, its names proper text, and the same when it is read
 * again.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "proto/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_name(const struct dns_name *n)
{
	BUG_ON(n->len == 0 || n->len >= DNS_TEXT_MAX);
	BUG_ON(strlen(n->text) != n->len);
	BUG_ON(n->len > 1 && (n->text[0] == '.' || n->text[n->len - 1] == '.' ||
			      strstr(n->text, "..")));
	for (uint16_t i = 0; i < n->len; i++) {
		char c = n->text[i];

		BUG_ON(c <= ' ' || c == 0x7f || (c >= 'A' && c <= 'Z'));
	}
}

static void check_message(struct bytes message)
{
	struct dns_cursor c = { 0 }, again = { 0 };
	struct dns_record r, same;
	struct dns_msg m;
	unsigned n = 0;

	if (dns_parse(message, &m) != DNS_OK)
		return;
	if (m.has_question)
		check_name(&m.qname);
	BUG_ON(m.n_answers > DNS_RECORDS_MAX);
	for (; dns_next_answer(&m, &c, &r); n++) {
		BUG_ON(!dns_next_answer(&m, &again, &same));
		check_name(&r.owner);
		BUG_ON(strcmp(r.owner.text, same.owner.text) != 0);
		BUG_ON(r.target.len && r.type != DNS_TYPE_CNAME);
		if (r.target.len)
			check_name(&r.target);
		BUG_ON(r.ttl_s > INT32_MAX);
		BUG_ON(c.at > message.end);
	}
	BUG_ON(n != m.n_answers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes stream = bytes_of(data, len), message;

	check_message(stream);
	while (dns_take_framed(&stream, &message))
		check_message(message);
	return 0;
}
