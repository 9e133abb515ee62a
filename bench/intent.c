/*
 * What one change of a large policy costs an agent: 10,000 rules between 1,000
 * groups, 1,000 workloads of one service each, told in processor time, which
 * others on the machine do not lengthen; the median of some rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "intent/intent.h"
#include "intent/judge.h"
#include "intent/propose.h"

#define WORKLOADS 1000
#define GROUPS	  1000
#define RULES	  10000
#define TALKS	  100000
#define ROUNDS	  9
#define NOW	  1800000000

static uint64_t random_state = 20250101;

static uint32_t any(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* it exists */
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell(const char *what, double *ms)
{
	qsort(ms, ROUNDS, sizeof *ms, by_value);
	printf("%-44s %7.1f ms (%.1f .. %.1f)\n", what, ms[ROUNDS / 2], ms[0],
	       ms[ROUNDS - 1]);
}

/* --- the world -------------------------------------------------------- */

static struct intent_workload workloads[WORKLOADS];
static struct ip_addr addrs[WORKLOADS][2];
static struct mac macs[WORKLOADS];
static char ids[WORKLOADS][16];
static struct intent_world world = { .workloads = workloads, .n = WORKLOADS };

static void make_world(void)
{
	for (unsigned k = 0; k < WORKLOADS; k++) {
		(void)snprintf(ids[k], sizeof ids[k], "w%u", k);
		addrs[k][0] = ip_from_v4(0x0a000000 + 2 * k);
		addrs[k][1] = (struct ip_addr){
			{ 0xfd, [14] = (uint8_t)(k >> 8), (uint8_t)k }
		};
		macs[k] = (struct mac){ { 2, 0, 0, 0, (uint8_t)(k >> 8),
					  (uint8_t)k } };
		workloads[k] = (struct intent_workload){
			.id = ids[k],
			.about = json_pack(
				"{s:o, s:o, s:s, s:s, s:{s:o, s:s, "
				"s:o}}",
				"name", json_sprintf("c%u", k), "service",
				json_sprintf("s%u", k), "namespace", "shop",
				"image", "registry.example.com/web:1.2",
				"labels", "app", json_sprintf("a%u", k), "tier",
				k % 2 ? "front" : "back", "team",
				json_sprintf("t%u", k % 20)),
			.addrs = addrs[k],
			.n_addrs = 2,
			.macs = &macs[k],
			.n_macs = 1,
		};
	}
}

/* Groups of one workload, of fifty, and of addresses. */
static void write_groups(FILE *f)
{
	for (unsigned k = 0; k < GROUPS; k++)
		if (k % 10 == 0)
			(void)fprintf(f,
				      "- name: g%u\n  where:\n"
				      "  - key: address\n    value: "
				      "172.16.%u.0/24\n",
				      k, k % 256);
		else if (k % 50 == 1)
			(void)fprintf(f,
				      "- name: g%u\n  where:\n"
				      "  - key: label.team\n    value: t%u\n",
				      k, k % 20);
		else
			(void)fprintf(f,
				      "- name: g%u\n  comment: the %u-th\n"
				      "  mode: protect\n  where:\n"
				      "  - key: label.app\n    op: in\n"
				      "    value: [a%u]\n"
				      "  - key: namespace\n    value: shop\n",
				      k, k, k);
}

static char *make_text(size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	(void)fprintf(f, "apiVersion: weir/v1\nkind: Policy\n"
			 "default_mode: monitor\ngroups:\n");
	write_groups(f);
	(void)fprintf(f, "rules:\n");
	for (unsigned k = 1; k <= RULES; k++)
		(void)fprintf(f,
			      "- id: %u\n  from: [g%u]\n  to: [g%u]\n"
			      "  ports: [tcp/%u]\n  action: allow\n"
			      "  comment: why rule %u is there\n",
			      k, any(GROUPS), any(GROUPS), 1 + any(9000), k);
	(void)fclose(f);
	return text;
}

static struct intent_talk talks[TALKS];

static void make_talks(void)
{
	for (size_t k = 0; k < TALKS; k++) {
		size_t c = any(WORKLOADS), s = any(WORKLOADS);

		talks[k] = (struct intent_talk){
			.who = { .client = c,
				 .server = s,
				 .client_addr = addrs[c][0],
				 .server_addr = addrs[s][0],
				 .port = (uint16_t)(1 + any(9000)),
				 .proto = 6 },
			.action = 1,
			.sessions = 1 + any(100),
			.bytes = 100000,
			.first_s = NOW - 1000,
			.last_s = NOW,
		};
	}
}

int main(void)
{
	double read[ROUNDS], write[ROUNDS], compile[ROUNDS], judge[ROUNDS],
		ask[ROUNDS], propose[ROUNDS], change[ROUNDS];
	struct err err = { 0 };
	size_t len, bytes = 0;
	char *text;

	make_world();
	make_talks();
	text = make_text(&len);
	for (int k = 0; k < ROUNDS; k++) {
		struct intent *i = NULL, *other = NULL;
		struct intent_judge *j;
		double from = now_ms();
		char *again, *body;

		if (intent_from_yaml(text, len, "bench", &i, &err) < 0) {
			(void)fprintf(stderr, "%s: %s\n", err.at, err.text);
			return 1;
		}
		read[k] = now_ms() - from;
		from = now_ms();
		again = intent_to_yaml(i);
		write[k] = now_ms() - from;
		from = now_ms();
		body = intent_compile(i, &world, 1, NOW, NULL, &err);
		compile[k] = now_ms() - from;
		if (!body) {
			(void)fprintf(stderr, "%s: %s\n", err.at, err.text);
			return 1;
		}
		from = now_ms();
		j = intent_judge_new(i, &world, NOW, &err);
		judge[k] = now_ms() - from;
		from = now_ms();
		json_decref(
			intent_compare(i, &world, NULL, j, talks, TALKS, true));
		ask[k] = now_ms() - from;
		from = now_ms();
		json_decref(intent_propose(i, &world, j, talks, TALKS));
		propose[k] = now_ms() - from;
		from = now_ms();
		(void)intent_without_rule(i, 77, &other, &err);
		change[k] = now_ms() - from;
		bytes = strlen(body);
		free(body);
		intent_judge_free(j);
		intent_put(i);
		intent_put(other);
		free(again);
	}
	tell("10,000 rules from YAML", read);
	tell("... to YAML", write);
	tell("... one of them taken out", change);
	tell("... compiled for 1,000 workloads", compile);
	tell("... a judge made", judge);
	tell("100,000 conversations judged and added up", ask);
	tell("... proposed from", propose);
	printf("the text is %zu bytes, the compiled message %zu\n", len, bytes);
	return 0;
}
