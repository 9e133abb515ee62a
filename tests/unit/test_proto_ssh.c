#include "proto/ssh.h"
#include "talk.h"
#include "test.h"

static const struct {
	const char *name;
	struct talk_line lines[6];
	const char *want;
} rows[] = {
	{ "server first",
	  { { 'S', "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 0 },
	    { 'C', "SSH-2.0-dropbear_2022.83\r\n", 0 } },
	  "app ssh\n"
	  "S ssh.proto 2.0\n"
	  "S ssh.software OpenSSH_9.2p1\n"
	  "C ssh.proto 2.0\n"
	  "C ssh.software dropbear_2022.83\n"
	  "over\n" },
	{ "lines before the server's own",
	  { { 'C', "SSH-2.0-a\r\n", 0 },
	    { 'S', "hello\r\nworld\nSSH-1.99-b\n", 0 } },
	  "app ssh\n"
	  "C ssh.proto 2.0\n"
	  "C ssh.software a\n"
	  "S ssh.proto 1.99\n"
	  "S ssh.software b\n"
	  "over\n" },
	{ "protocol 1",
	  { { 'S', "SSH-1.5-old\n", 0 }, { 'C', "SSH-2.0-a\n", 0 } },
	  "app ssh\n"
	  "S note ssh.1\n"
	  "S ssh.proto 1.5\n"
	  "S ssh.software old\n"
	  "C ssh.proto 2.0\n"
	  "C ssh.software a\n"
	  "over\n" },
	{ "no second dash",
	  { { 'S', "SSH-2.0\n", 0 }, { 'C', "SSH-2.0-a\n", 0 } },
	  "app ssh\nS note malformed\nC ssh.proto 2.0\nC ssh.software a\n"
	  "over\n" },
	{ "a client that only listens", { { 'S', "SSH-2.0-b\r\n", 0 } }, "" },
	{ "not SSH", { { 'C', "SSL-", 0 } }, "unknown\n" },
	{ "a client that speaks something else",
	  { { 'S', "SSH-2.0-b\r\n", 0 }, { 'C', "NOPE\r\n", 0 } },
	  "unknown\n" },
};

static void ssh(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void unwanted(void **state)
{
	struct talk *t = talk_new(false, false);
	const char *line = "SSH-2.0-a\r\n";

	(void)state;
	talk_unwanted(t, FIELD_SSH_SOFTWARE);
	talk_say(t, PROTO_CLIENT, bytes_of(line, strlen(line)));
	assert_string_equal(talk_heard(t), "app ssh\nC ssh.proto 2.0\n");
	talk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ssh),
		cmocka_unit_test(unwanted),
	};

	talk_parser = &proto_ssh;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
