/*
 * Signatures that are loaded: what becomes of files that are asked for, over those
 * that there are, and in which words; and what is told of it when the data plane
 * says what it has.
 */
#include "agent/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/record.h"
#include "folder.h"
#include "test.h"

#define GOOD(sid)                                                      \
	"alert tcp any any -> any any (msg:\\\"m" sid "\\\"; content:" \
	"\\\"abc\\\"; sid:" sid ";)"
#define BAD		      "alert tcp any any -> any any (nonsense; sid:9;)"
#define FILE_JSON(name, text) "{\"name\":\"" name "\",\"text\":\"" text "\"}"
#define A		      FILE_JSON("a.rules", GOOD("1"))
#define B		      FILE_JSON("b.rules", GOOD("2") "\\n" GOOD("3"))
#define WRONG		      FILE_JSON("w.rules", GOOD("4") "\\n" BAD)
/* Needs a variable. */
#define NET                                                              \
	FILE_JSON("n.rules", "alert tcp $OURS any -> any any (msg:\\\"n" \
			     "\\\"; content:\\\"x\\\"; sid:5;)")

/* --- a change ------------------------------------------------------------------- */

struct row {
	const char *name;
	const char *before;  /* the document */
	const char *builtin; /* text; NULL: none */
	const char *files;   /* to be loaded; NULL: unloaded is */
	const char *unload;  /* NULL: all */
	const char *variables;
	bool add, strict;
	/* What comes of it: */
	int code;
	const char *at, *text; /* text: is in it */
	const char *names;     /* of all that are wanted then */
	int rules, refused;    /* -1: not told */
};

#define NOTHING "{\"files\":[]}"
#define HAS_A	"{\"variables\":{\"OURS\":\"10.0.0.0/8\"},\"files\":[" A "]}"

static const struct row rows[] = {
	{ "the first file", NOTHING, NULL, "[" A "]", .names = "a.rules ",
	  .rules = 1 },
	{ "two", NOTHING, NULL, "[" A "," B "]", .names = "a.rules b.rules ",
	  .rules = 3 },
	{ "none", NOTHING, NULL, "[]", .names = "" },
	{ "in place of what there was", HAS_A, NULL, "[" B "]",
	  .names = "b.rules ", .rules = 2 },
	{ "to what there was", HAS_A, NULL, "[" B "]", .add = true,
	  .names = "a.rules b.rules ", .rules = 3 },
	{ "one of the same name anew", HAS_A, NULL,
	  "[" FILE_JSON("a.rules", GOOD("7") "\\n" GOOD("8")) "]", .add = true,
	  .names = "a.rules ", .rules = 2 },
	{ "the built-in one is not counted", NOTHING,
	  "alert tcp any any -> any any (content:\"b\"; sid:99;)", "[" A "]",
	  .names = "builtin.rules a.rules ", .rules = 1 },
	{ "one is refused", NOTHING, NULL, "[" WRONG "]", .names = "w.rules ",
	  .rules = 1, .refused = 1 },
	{ "strictly, none is loaded", HAS_A, NULL, "[" WRONG "]",
	  .strict = true, .code = EINVAL, .at = "w.rules:2:31",
	  .text = "1 refused, so nothing was loaded" },
	{ "a faulty built-in one hinders nobody", NOTHING, BAD, "[" A "]",
	  .strict = true, .names = "builtin.rules a.rules ", .rules = 1 },
	{ "a variable", NOTHING, NULL, "[" NET "]",
	  .variables = "{\"OURS\":\"10.0.0.0/8\"}", .names = "n.rules ",
	  .rules = 1 },
	{ "a variable that stays", HAS_A, NULL, "[" NET "]", .add = true,
	  .names = "a.rules n.rules ", .rules = 2 },
	{ "or goes with the files", HAS_A, NULL, "[" NET "]",
	  .names = "n.rules ", .refused = 1 },
	{ "a variable that is no text", NOTHING, NULL, "[" A "]",
	  .variables = "{\"OURS\":1}", .code = EINVAL, .at = "variables.OURS",
	  .text = "expected a text" },
	{ "a variable that is no address", NOTHING, NULL, "[" A "]",
	  .variables = "{\"OU RS\":\"x\"}", .code = EINVAL,
	  .at = "variables.OU RS", .text = "" },
	{ "no name", NOTHING, NULL, "[{\"text\":\"\"}]", .code = EINVAL,
	  .at = "files[0].name", .text = "missing" },
	{ "an empty name", NOTHING, NULL, "[" FILE_JSON("", "") "]",
	  .code = EINVAL, .at = "files[0].name", .text = "empty" },
	{ "no text", NOTHING, NULL, "[" A ",{\"name\":\"b\"}]", .code = EINVAL,
	  .at = "files[1].text", .text = "missing" },
	{ "another member", NOTHING, NULL,
	  "[{\"name\":\"b\",\"text\":\"\",\"x\":1}]", .code = EINVAL,
	  .at = "files[0].x", .text = "" },
	{ "the built-in one's name", NOTHING, NULL,
	  "[" FILE_JSON("builtin.rules", "") "]", .code = EINVAL,
	  .at = "files[0].name", .text = "built-in" },
	{ "one name twice", NOTHING, NULL, "[" A "," A "]", .code = EEXIST,
	  .at = "files[1].name", .text = "two files are called \"a.rules\"" },

	{ "unloaded", HAS_A, NULL, .unload = "a.rules", .names = "",
	  .rules = -1, .refused = -1 },
	{ "all are", HAS_A, "alert tcp any any -> any any (sid:99;)",
	  .names = "builtin.rules ", .rules = -1, .refused = -1 },
	{ "none of that name", HAS_A, NULL, .unload = "b.rules", .code = ENOENT,
	  .at = "name", .text = "no file \"b.rules\" is loaded" },
	{ "the built-in one", HAS_A, "# nothing", .unload = "builtin.rules",
	  .code = ENOENT, .at = "name", .text = "not loaded by hand" },
};

static int number_of(const json_t *o, const char *member)
{
	const json_t *v = json_object_get(o, member);

	return v ? (int)json_integer_value(v) : -1;
}

static void names_of(const json_t *files, char *buf, size_t size)
{
	const json_t *f;
	size_t i;

	buf[0] = '\0';
	json_array_foreach (files, i, f)
		(void)snprintf(buf + strlen(buf), size - strlen(buf), "%s ",
			       json_string_value(json_object_get(f, "name")));
}

/* What is stored is the user's alone, and what is wanted reads back as that. */
static void check_document(const struct row *r, const struct rules_load *l)
{
	json_t *document = json_loads(l->document, 0, NULL), *user;
	char *builtin;

	assert_row(r->name, document);
	user = rules_user_of(l->made.body, &builtin);
	assert_row(r->name, json_equal(user, document));
	if (r->builtin)
		assert_row(r->name, builtin && !strcmp(builtin, r->builtin));
	else
		assert_row(r->name, !builtin);
	assert_row(r->name, json_equal(json_object_get(user, "variables"),
				       l->made.variables));
	json_decref(document);
	json_decref(user);
	free(builtin);
}

static void check_row(const struct row *r, const struct rules_load *l)
{
	char names[200];

	if (l->err.code != r->code ||
	    (r->code &&
	     (strcmp(l->err.at, r->at) != 0 || !strstr(l->err.text, r->text))))
		fail_msg("row \"%s\": %d %s: %s", r->name, l->err.code,
			 l->err.at, l->err.text);
	assert_row(r->name, !l->document == !!r->code);
	assert_row(r->name, !l->made.body == !!r->code);
	if (r->code)
		return;
	names_of(l->made.files, names, sizeof names);
	assert_row(r->name, strcmp(names, r->names) == 0);
	assert_row(r->name, number_of(l->answer, "rules") == r->rules);
	assert_row(r->name, number_of(l->answer, "refused") == r->refused);
	assert_row(r->name,
		   (int)json_array_size(json_object_get(l->answer, "faults")) ==
			   (r->refused > 0 ? r->refused : 0));
	assert_row(r->name, l->what[0]);
	check_document(r, l);
}

static json_t *json_or_null(const char *text)
{
	return text ? json_loads(text, 0, NULL) : NULL;
}

static void run_row(const struct row *r)
{
	json_t *before = json_loads(r->before, 0, NULL);
	struct rules_made made;
	struct rules_load l = {
		.files = json_or_null(r->files),
		.variables = json_or_null(r->variables),
		.unload = r->unload ? strdup(r->unload) : NULL,
		.add = r->add,
		.strict = r->strict,
	};

	assert_row(r->name, before && !l.files == !r->files);
	assert_int_equal(rules_make(before, r->builtin, &made), 0);
	l.before = body_get(made.body);
	rules_load_work(&l);
	check_row(r, &l);
	rules_load_done(&l);
	rules_made_done(&made);
	json_decref(before);
}

static void test_changes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_row(&rows[i]);
}

/* The same is the same body, whoever made it; sizes are told, and whose it is. */
static void test_made(void **state)
{
	json_t *user = json_loads(HAS_A, 0, NULL);
	struct rules_made one, two, none;
	const json_t *f;

	assert_int_equal(rules_make(user, "# b", &one), 0);
	assert_int_equal(rules_make(user, "# b", &two), 0);
	assert_int_equal(rules_make(NULL, NULL, &none), 0);
	assert_true(one.body->version == two.body->version);
	assert_true(one.body->version != none.body->version);
	assert_int_equal(json_array_size(none.files), 0);
	f = json_array_get(one.files, 0);
	assert_int_equal(number_of(f, "bytes"), 3);
	assert_true(json_is_true(json_object_get(f, "builtin")));
	f = json_array_get(one.files, 1);
	assert_string_equal(json_string_value(json_object_get(f, "name")),
			    "a.rules");
	assert_null(json_object_get(f, "builtin"));
	rules_made_done(&one);
	rules_made_done(&two);
	rules_made_done(&none);
	json_decref(user);
}

/* --- what the data plane says ----------------------------------------------------- */

struct world {
	char *dir;
	struct agent a;
};

static int make(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err err = { 0 };
	json_t *user = json_loads(HAS_A, 0, NULL);
	uint64_t revision;

	w->dir = folder_make();
	w->a.loop = loop_new(&err);
	assert_non_null(w->a.loop);
	if (store_open(w->dir, &w->a.store, &err) < 0 ||
	    record_start(&w->a, &err) < 0 ||
	    store_put_doc(w->a.store, "rules", user, 0, &revision, &err) < 0 ||
	    rules_start(&w->a, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	json_decref(user);
	*state = w;
	return 0;
}

static int removes(void **state)
{
	struct world *w = *state;

	rules_stop(&w->a);
	record_stop(&w->a);
	store_free(w->a.store);
	loop_free(w->a.loop);
	folder_remove(w->dir);
	free(w);
	return 0;
}

static int count(const json_t *event, uint64_t number, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static unsigned events_of(struct world *w)
{
	struct store_event_query q = { .kind = "state", .limit = 100 };
	unsigned n = 0;

	record_flush(&w->a);
	assert_int_equal(store_each_event(w->a.store, &q, count, &n, NULL), 0);
	return n;
}

static const struct told {
	const char *name;
	const char *error; /* of the answer */
	const char *state;
	int refused;
	int code;			/* of the failure */
	bool up, has, builds, in_force; /* of the version that is wanted */
	bool event;
} tolds[] = {
	{ "there is none", .state = "waiting" },
	{ "it has another version", .up = true, .state = "waiting" },
	{ "it builds", .up = true, .has = true, .builds = true,
	  .state = "building" },
	{ "it has them", .up = true, .has = true, .in_force = true,
	  .state = "in force" },
	{ "but for some", .up = true, .has = true, .in_force = true,
	  .refused = 2, .state = "in force", .event = true },
	{ "it could not build them", .up = true, .has = true,
	  .error = "no memory", .state = "refused", .event = true },
	{ "it takes none", .up = true, .code = E2BIG, .state = "refused",
	  .event = true },
	{ "it does not know them", .up = true, .code = ENOENT,
	  .state = "unknown", .event = true },
};

static void tell(struct world *w, const struct told *t)
{
	json_int_t wanted = (json_int_t)rules_wanted(&w->a)->version;
	json_t *about = json_pack(
		"{s:I, s:b, s:I, s:i}", "version", t->has ? wanted : wanted + 1,
		"building", t->builds, "in_force", t->in_force ? wanted : 0,
		"refused", t->refused);
	struct plane_news n = { .kind = PLANE_RULES, .about = about };

	if (t->error)
		(void)json_object_set_new(about, "error",
					  json_string(t->error));
	if (t->code)
		(void)err_set(&n.err, t->code, NULL, "it says so");
	w->a.plane_up = t->up;
	rules_told(&w->a, &n);
	json_decref(about);
}

static void check_told(struct world *w, const struct told *t)
{
	json_t *o = rules_json(&w->a);
	const json_t *kind = json_object_get(o, "signatures");
	const char *said = json_string_value(json_object_get(kind, "state"));

	assert_row(t->name, strcmp(said, t->state) == 0);
	assert_row(t->name, number_of(kind, "files") == 1);
	assert_row(t->name, number_of(kind, "version") ==
				    (int)rules_wanted(&w->a)->version);
	json_decref(o);
	assert_row(t->name, events_of(w) == t->event);
}

static void test_told(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(tolds); i++) {
		void *one = NULL;

		(void)make(&one);
		tell(one, &tolds[i]);
		tell(one, &tolds[i]); /* the same again is no event */
		check_told(one, &tolds[i]);
		(void)removes(&one);
	}
}

/* A data plane that ends takes with it what it said. */
static void test_plane_is_down(void **state)
{
	struct world *w = *state;
	json_t *o;

	tell(w, &tolds[3]);
	rules_plane_is_down(&w->a);
	o = rules_json(&w->a);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(o, "signatures"), "state")),
			    "waiting");
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_told),
		cmocka_unit_test_setup_teardown(test_plane_is_down, make,
						removes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
