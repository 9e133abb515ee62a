/*
 * The screen is drawn whole from what is known, whenever something is new or a
 * key was pressed; curses sends what differs. Lines, from above:
 *
 *   title, two lines of totals, [one workload's line,] heads of the columns
 *   workloads, or the sessions of one; or the help
 *   the newest events (not on a low screen)
 *   keys, or the filter that is being typed
 *
 * Colours are the terminal's own on its own background. What is not of now
 * (the agent does not answer) is dim.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/human.h"
#include "cli/out.h"
#include "cli/stop.h"
#include "cli/top.h"
#include "wire/member.h"

#define ESCAPE		27
#define ESCAPE_DELAY_MS 25
/* A change of the screen's size is seen so soon. */
#define LOOK_MS 200
/* An agent that says nothing for so long, on top of the delay, is told of. */
#define SILENT_US  (2 * USEC_PER_SEC)
#define FILTER_MAX 64

enum view { VIEW_ALL, VIEW_ONE, VIEW_HELP };
enum pair { PAIR_NONE, PAIR_RED, PAIR_YELLOW, PAIR_GREEN };

struct top_screen {
	const struct top_options *options;
	struct top_ask *ask;
	struct top_model model;
	struct top_order order;
	char filter[FILTER_MAX];
	bool typing, paused, quit, colour, resized;
	enum view view;
	char chosen[STORE_ID_MAX]; /* workload under the bar; "": the first */
	size_t at, first; /* the bar, and the first line on the screen */
	size_t first_session;
	json_t *events;	  /* owned; newest last */
	json_t *sessions; /* owned; NULL: not heard yet */
	bool some_left;
	struct err err; /* code 0, or why there is no answer */
	usec_t heard;
	unsigned answers;
};

/* --- drawing ------------------------------------------------------------------ */

static attr_t pair_of(const struct top_screen *s, enum pair p)
{
	return s->colour ? (attr_t)COLOR_PAIR(p) : 0;
}

static bool is_stale(const struct top_screen *s)
{
	uint64_t limit = s->options->delay_ms * 1000ULL + SILENT_US;

	return s->err.code || usec_since(clock_now(), s->heard) > limit;
}

/* Cut or filled to so many columns. */
static void put(const struct top_screen *s, int y, int x, unsigned width,
		bool right, attr_t attr, const char *text)
{
	char buf[TOP_CELL_MAX];

	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return;
	if (width > (unsigned)(COLS - x))
		width = (unsigned)(COLS - x);
	top_fit(text, width, right, buf);
	attrset(is_stale(s) ? attr | A_DIM : attr);
	/* the last place of the screen is written, and then says ERR */
	(void)mvaddstr(y, x, buf);
	attrset(0);
}

static void put_line(const struct top_screen *s, int y, attr_t attr,
		     const char *text)
{
	put(s, y, 0, (unsigned)COLS, false, attr, text);
}

static void draw_title(const struct top_screen *s)
{
	uint64_t silent = usec_since(clock_now(), s->heard) / USEC_PER_SEC;
	char text[TOP_CELL_MAX], age[HUMAN_MAX];
	const char *node = member_text(s->model.answer, "node");

	if (s->err.code) {
		(void)snprintf(text, sizeof text,
			       "weir top: trying again: %.300s", s->err.text);
		put_line(s, 0, A_BOLD | pair_of(s, PAIR_RED), text);
		return;
	}
	if (is_stale(s))
		(void)snprintf(text, sizeof text,
			       "weir top: the agent has not answered for %s",
			       human_age(silent, age));
	else
		(void)snprintf(text, sizeof text, "weir top%s%s, every %g s%s",
			       node[0] ? " on " : "", node,
			       s->options->delay_ms / 1000.0,
			       s->paused ? ", PAUSED" : "");
	put_line(s, 0, A_BOLD, text);
}

static void draw_head(const struct top_screen *s)
{
	const json_t *a = s->model.answer,
		     *policy = json_object_get(a, "policy");
	bool up = json_is_true(
		json_object_get(json_object_get(a, "data_plane"), "up"));
	char lines[2][TOP_CELL_MAX];
	attr_t attr = 0;

	if (!a) {
		put_line(s, 1, 0, s->err.code ? "" : "asking the agent ...");
		return;
	}
	if (!up || json_object_get(policy, "refused"))
		attr = A_BOLD | pair_of(s, PAIR_RED);
	top_head(&s->model, lines);
	put_line(s, 1, attr, lines[0]);
	put_line(s, 2, 0, lines[1]);
}

/* Ends at (not before) 0: nothing of it is on the screen. */
static unsigned pane_lines(const struct top_screen *s)
{
	unsigned n = LINES < 16 ? 0 : (unsigned)(LINES - 8) / 4;

	return s->view == VIEW_HELP ? 0 : n > 12 ? 12 : n;
}

static bool is_about(const json_t *event, const char *id)
{
	return strcmp(member_text(event, "workload"), id) == 0 ||
	       strcmp(member_text(event, "client_id"), id) == 0 ||
	       strcmp(member_text(event, "server_id"), id) == 0;
}

static attr_t severity_attr(const struct top_screen *s, const json_t *event)
{
	const char *severity = member_text(event, "severity");

	if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
		return pair_of(s, PAIR_RED);
	return strcmp(severity, "medium") == 0 ? pair_of(s, PAIR_YELLOW) : 0;
}

/* Above the last line: a title, and the newest last. */
static void draw_events(const struct top_screen *s)
{
	unsigned room = pane_lines(s);
	int title = LINES - 2 - (int)room, y = LINES - 2;
	char text[TOP_CELL_MAX];

	if (room == 0)
		return;
	put_line(s, title, A_BOLD | A_UNDERLINE,
		 s->view == VIEW_ONE ? "ITS EVENTS" : "EVENTS");
	for (size_t i = json_array_size(s->events); i > 0 && y > title; i--) {
		const json_t *e = json_array_get(s->events, i - 1);

		if (s->view == VIEW_ONE && !is_about(e, s->chosen))
			continue;
		top_event(e, text);
		put_line(s, y--, severity_attr(s, e), text);
	}
	if (y == LINES - 2)
		put_line(s, title + 1, A_DIM, "none yet");
}

/* Keys are bold: "q", " quit  ", "/", ... ends with NULL. */
static void draw_keys(const struct top_screen *s)
{
	static const char *const all[] = {
		"q", " quit  ",	  "up/down", " move  ", "Enter", " sessions  ",
		"/", " filter  ", "<>",	     " sort: ", NULL
	};
	static const char *const one[] = { "q",	      " quit  ",  "Esc",
					   " back  ", "up/down",  " scroll  ",
					   "p",	      " pause  ", "h",
					   " help",   NULL };
	static const char *const help[] = { "any key", " back", NULL };
	const char *const *list = s->view == VIEW_ALL	? all
				  : s->view == VIEW_ONE ? one
							: help;

	move(LINES - 1, 0);
	for (size_t i = 0; list[i]; i++) {
		attrset(i % 2 == 0 ? A_BOLD : 0);
		(void)addnstr(list[i], COLS - getcurx(stdscr) - 1);
	}
	if (s->view == VIEW_ALL) {
		(void)addnstr(top_column_name(s->order.by),
			      COLS - getcurx(stdscr) - 1);
		attrset(A_BOLD);
		(void)addnstr("  h", COLS - getcurx(stdscr) - 1);
		attrset(0);
		(void)addnstr(" help", COLS - getcurx(stdscr) - 1);
	}
	attrset(0);
}

static void draw_filter(const struct top_screen *s)
{
	char text[FILTER_MAX + 32];

	(void)snprintf(text, sizeof text, "filter: %s", s->filter);
	put_line(s, LINES - 1, A_BOLD, text);
	move(LINES - 1, (int)strlen(text));
}

/* --- workloads -------------------------------------------------------------------- */

static attr_t cell_attr(const struct top_screen *s, const struct top_line *l,
			enum top_column c)
{
	if (c == TOP_BLOCKED && l->rates.violations > 0)
		return A_BOLD | pair_of(s, PAIR_RED);
	if (c == TOP_DROPPED && l->rates.dropped > 0)
		return pair_of(s, PAIR_YELLOW);
	if (c == TOP_MODE && strcmp(l->mode, "protect") == 0)
		return pair_of(s, PAIR_GREEN);
	if (c != TOP_STATE || strcmp(l->state, "guarded") == 0)
		return 0;
	if (strcmp(l->state, "not guarded") == 0)
		return A_BOLD | pair_of(s, PAIR_RED);
	return pair_of(s, PAIR_YELLOW);
}

static void draw_heads(const struct top_screen *s, int y)
{
	int x = 0;

	put_line(s, y, A_BOLD | A_UNDERLINE, "");
	for (int i = 0; i < TOP_COLUMN__MAX; i++) {
		enum top_column c = (enum top_column)i;
		unsigned width = top_column_width(c, (unsigned)COLS);
		attr_t attr = A_BOLD | A_UNDERLINE;

		if (width == 0)
			continue;
		put(s, y, x, width, !top_column_is_text(c),
		    c == s->order.by ? attr | A_REVERSE : attr,
		    top_column_title(c));
		x += (int)width + 1;
	}
}

static void draw_row(const struct top_screen *s, int y,
		     const struct top_line *l, bool chosen)
{
	char cell[TOP_CELL_MAX];
	int x = 0;

	if (chosen)
		put_line(s, y, A_REVERSE, "");
	for (int i = 0; i < TOP_COLUMN__MAX; i++) {
		enum top_column c = (enum top_column)i;
		unsigned width = top_column_width(c, (unsigned)COLS);

		if (width == 0)
			continue;
		top_cell(l, c, cell);
		put(s, y, x, width, !top_column_is_text(c),
		    chosen ? A_REVERSE : cell_attr(s, l, c), cell);
		x += (int)width + 1;
	}
}

/* The bar stays on its workload while that is shown. */
static void find_chosen(struct top_screen *s)
{
	for (size_t i = 0; i < s->model.n_shown; i++)
		if (strcmp(s->model.shown[i]->id, s->chosen) == 0)
			s->at = i;
	if (s->at >= s->model.n_shown)
		s->at = s->model.n_shown ? s->model.n_shown - 1 : 0;
}

static int rows_of(const struct top_screen *s, int from)
{
	unsigned pane = pane_lines(s);
	int n = LINES - 1 - from - (pane ? (int)pane + 1 : 0);

	return n > 0 ? n : 0;
}

#define ALL_FROM 4
#define ONE_FROM 5

static void draw_all(struct top_screen *s)
{
	size_t rows = (size_t)rows_of(s, ALL_FROM);

	find_chosen(s);
	if (s->at < s->first)
		s->first = s->at;
	if (rows > 0 && s->at >= s->first + rows)
		s->first = s->at - rows + 1;
	if (s->first + rows > s->model.n_shown)
		s->first = s->model.n_shown > rows ? s->model.n_shown - rows
						   : 0;
	draw_heads(s, 3);
	for (size_t i = 0; i < rows && s->first + i < s->model.n_shown; i++)
		draw_row(s, ALL_FROM + (int)i, s->model.shown[s->first + i],
			 s->first + i == s->at);
	if (s->model.answer && s->model.n_shown == 0)
		put_line(s, ALL_FROM, A_DIM,
			 s->filter[0] ? "no workload matches the filter"
				      : "no workloads are known");
}

/* --- sessions of one -------------------------------------------------------------- */

static const struct top_line *line_of(const struct top_screen *s,
				      const char *id)
{
	for (size_t i = 0; i < s->model.n_lines; i++)
		if (strcmp(s->model.lines[i].id, id) == 0)
			return &s->model.lines[i];
	return NULL;
}

static void draw_one_line(const struct top_screen *s)
{
	const struct top_line *l = line_of(s, s->chosen);
	char text[TOP_CELL_MAX], in[HUMAN_MAX], out[HUMAN_MAX],
		n[HUMAN_MAX] = "?";

	if (!l) {
		put_line(s, 3, A_BOLD, "the workload is gone");
		return;
	}
	if (l->has_sessions)
		(void)human_exact((int64_t)l->sessions, n);
	(void)snprintf(text, sizeof text,
		       "%.200s: %s, %s, in %s, out %s, %s sessions%s", l->name,
		       l->mode, l->state, human_rate(l->rates.bits_in, in),
		       human_rate(l->rates.bits_out, out), n,
		       s->some_left ? ", not all of them here" : "");
	put_line(s, 3, A_BOLD, text);
}

static void draw_session(const struct top_screen *s, int y, const json_t *o,
			 attr_t attr)
{
	char cell[TOP_CELL_MAX];
	int x = 0;

	put_line(s, y, attr, "");
	for (int i = 0; i < TOP_S__MAX; i++) {
		enum top_session_column c = (enum top_session_column)i;
		unsigned width = top_session_width(c, (unsigned)COLS);
		attr_t colour = attr;

		if (o)
			top_session_cell(o, c, cell);
		else
			(void)snprintf(cell, sizeof cell, "%s",
				       top_session_title(c));
		if (c == TOP_S_ACTION && strcmp(cell, "deny") == 0)
			colour |= pair_of(s, PAIR_RED);
		if (c == TOP_S_ACTION && strcmp(cell, "violate") == 0)
			colour |= pair_of(s, PAIR_YELLOW);
		put(s, y, x, width, !top_session_is_text(c), colour, cell);
		x += (int)width + 1;
	}
}

static void draw_one(struct top_screen *s)
{
	size_t rows = (size_t)rows_of(s, ONE_FROM),
	       n = json_array_size(s->sessions);

	draw_one_line(s);
	draw_session(s, 4, NULL, A_BOLD | A_UNDERLINE);
	if (s->first_session + rows > n)
		s->first_session = n > rows ? n - rows : 0;
	for (size_t i = 0; i < rows && s->first_session + i < n; i++)
		draw_session(s, ONE_FROM + (int)i,
			     json_array_get(s->sessions, s->first_session + i),
			     0);
	if (n == 0)
		put_line(s, ONE_FROM, A_DIM,
			 s->sessions ? "no session at the moment"
				     : "asking for its sessions ...");
}

/* --- help ----------------------------------------------------------------------------- */

static void draw_help(const struct top_screen *s)
{
	static const char *const lines[] = {
		"up, down, page up, page down, home, end   move",
		"Enter        the sessions and events of a workload; Esc: back",
		"/            show only workloads with a text in name, mode, "
		"state",
		"<  >         sort by another column",
		"N M S I O T P L W B D   sort by name, mode, state, in, out, "
		"traffic,",
		"             packets, live sessions, new, blocked, dropped",
		"r            the other way round",
		"p            pause",
		"space        look again now",
		"q            quit",
		"",
		"IN, OUT      what passed to and from the workload",
		"SESS, NEW    sessions now; new ones, as the data plane counts "
		"them",
		"BLOCK        connections that no rule allowed, or would be "
		"blocked",
		"DROP         frames that never left the kernel",
		"             (both of the last ten seconds)",
		NULL,
	};

	for (int i = 0; lines[i] && 4 + i < LINES - 1; i++)
		put_line(s, 4 + i, 0, lines[i]);
}

static void draw(struct top_screen *s)
{
	erase();
	draw_title(s);
	draw_head(s);
	if (s->view == VIEW_ALL)
		draw_all(s);
	else if (s->view == VIEW_ONE)
		draw_one(s);
	else
		draw_help(s);
	draw_events(s);
	(void)curs_set(s->typing ? 1 : 0);
	if (s->typing)
		draw_filter(s);
	else
		draw_keys(s);
	/* terminals differ in what they make of what was there */
	(void)clearok(curscr, s->resized);
	s->resized = false;
	(void)wnoutrefresh(stdscr);
	(void)doupdate();
}

/* --- news --------------------------------------------------------------------------- */

static int more_bytes(const void *x, const void *y)
{
	const json_t *a = *(json_t *const *)x, *b = *(json_t *const *)y;
	uint64_t p = member_number(a, "client_bytes") +
		     member_number(a, "server_bytes"),
		 q = member_number(b, "client_bytes") +
		     member_number(b, "server_bytes");

	return p < q ? 1 : p > q ? -1 : 0;
}

/* The largest first; takes list. */
static json_t *sorted_sessions(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t **all = calloc(n + 1, sizeof *all), *sorted = json_array(), *o;

	json_array_foreach (list, i, o)
		if (all)
			all[i] = o;
	if (!all)
		n = 0;
	if (n > 1)
		qsort(all, n, sizeof *all, more_bytes);
	for (i = 0; i < n; i++)
		(void)json_array_append(sorted, all[i]);
	free(all);
	json_decref(list);
	return sorted;
}

static void order(struct top_screen *s)
{
	s->order.filter = s->filter;
	if (s->model.answer)
		top_model_order(&s->model, &s->order);
}

static void take_events(struct top_screen *s, json_t *events)
{
	(void)json_array_extend(s->events, events);
	json_decref(events);
	while (json_array_size(s->events) > TOP_EVENTS_MAX)
		(void)json_array_remove(s->events, 0);
}

static void take_sessions(struct top_screen *s, struct top_news *n)
{
	if (n->sessions && s->view == VIEW_ONE &&
	    strcmp(n->workload, s->chosen) == 0) {
		json_decref(s->sessions);
		s->sessions = sorted_sessions(n->sessions);
		s->some_left = n->some_left;
	} else {
		json_decref(n->sessions);
	}
}

static void take_news(struct top_screen *s)
{
	struct top_news n;

	top_ask_take(s->ask, &n);
	if (!n.top && !n.err.code)
		return;
	s->err = n.err;
	s->heard = clock_now();
	if (n.events)
		take_events(s, n.events);
	if (s->paused || n.err.code) {
		json_decref(n.top);
		json_decref(n.sessions);
		return;
	}
	top_model_add(&s->model, n.top);
	order(s);
	take_sessions(s, &n);
	s->answers++;
}

/* --- keys ----------------------------------------------------------------------------- */

static void choose(struct top_screen *s, long at)
{
	long last = (long)s->model.n_shown - 1;

	if (last < 0)
		return;
	s->at = (size_t)(at < 0 ? 0 : at > last ? last : at);
	(void)snprintf(s->chosen, sizeof s->chosen, "%s",
		       s->model.shown[s->at]->id);
}

/* false: it is no key of moving. */
static bool move_by_key(int key, long at, long page, long *ret)
{
	switch (key) {
	case KEY_UP:
	case 'k': *ret = at - 1; return true;
	case KEY_DOWN:
	case 'j': *ret = at + 1; return true;
	case KEY_PPAGE: *ret = at - page; return true;
	case KEY_NPAGE: *ret = at + page; return true;
	case KEY_HOME:
	case 'g': *ret = 0; return true;
	case KEY_END:
	case 'G': *ret = INT32_MAX; return true;
	default: return false;
	}
}

static void sort_by(struct top_screen *s, int column)
{
	s->order.by =
		(enum top_column)((column + TOP_COLUMN__MAX) % TOP_COLUMN__MAX);
	order(s);
}

static bool sort_by_key(struct top_screen *s, int key)
{
	static const char letters[] = "NMSIOTPLWBD";
	const char *at = key > 0 && key < 128 ? strchr(letters, key) : NULL;

	_Static_assert(sizeof letters - 1 == TOP_COLUMN__MAX,
		       "a letter each, in their order");
	if (at)
		sort_by(s, (int)(at - letters));
	else if (key == '<' || key == KEY_LEFT)
		sort_by(s, (int)s->order.by - 1);
	else if (key == '>' || key == KEY_RIGHT)
		sort_by(s, (int)s->order.by + 1);
	else
		return false;
	return true;
}

static void open_one(struct top_screen *s)
{
	if (s->at >= s->model.n_shown)
		return;
	choose(s, (long)s->at);
	s->view = VIEW_ONE;
	s->first_session = 0;
	json_decref(s->sessions);
	s->sessions = NULL;
	s->some_left = false;
	top_ask_now(s->ask, s->chosen);
}

static void close_one(struct top_screen *s)
{
	s->view = VIEW_ALL;
	top_ask_now(s->ask, "");
}

static void type_filter(struct top_screen *s, int key)
{
	size_t len = strlen(s->filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		s->typing = false;
	} else if (key == ESCAPE) {
		s->typing = false;
		s->filter[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		/* of a character with several bytes, all */
		while (len > 0 &&
		       ((unsigned char)s->filter[len - 1] & 0xc0) == 0x80)
			s->filter[--len] = '\0';
		if (len > 0)
			s->filter[len - 1] = '\0';
	} else if (key >= ' ' && key < 256 && len + 1 < sizeof s->filter) {
		s->filter[len] = (char)key;
		s->filter[len + 1] = '\0';
	}
	order(s);
}

static void key_in_all(struct top_screen *s, int key)
{
	long to;

	if (move_by_key(key, (long)s->at, rows_of(s, ALL_FROM), &to))
		choose(s, to);
	else if (sort_by_key(s, key))
		return;
	else if (key == '\n' || key == '\r' || key == KEY_ENTER)
		open_one(s);
	else if (key == '/')
		s->typing = true;
	else if (key == ESCAPE)
		s->filter[0] = '\0', order(s);
	else if (key == 'r')
		s->order.reverse = !s->order.reverse, order(s);
}

static void key_in_one(struct top_screen *s, int key)
{
	long to;

	if (key == ESCAPE || key == KEY_BACKSPACE || key == 127 ||
	    key == KEY_LEFT)
		close_one(s);
	else if (move_by_key(key, (long)s->first_session, rows_of(s, ONE_FROM),
			     &to))
		s->first_session = (size_t)(to < 0 ? 0 : to);
}

static void take_key(struct top_screen *s, int key)
{
	if (key == KEY_RESIZE) {
		s->resized = true;
		return;
	}
	if (s->typing)
		type_filter(s, key);
	else if (key == 'q')
		s->quit = true;
	else if (s->view == VIEW_HELP)
		s->view = VIEW_ALL;
	else if (key == 'p')
		s->paused = !s->paused;
	else if (key == ' ')
		top_ask_now(s->ask, s->view == VIEW_ONE ? s->chosen : "");
	else if (key == 'h' || key == '?')
		close_one(s), s->view = VIEW_HELP;
	else if (s->view == VIEW_ONE)
		key_in_one(s, key);
	else
		key_in_all(s, key);
}

/* --- the loop ------------------------------------------------------------------------- */

static void run(struct top_screen *s)
{
	struct pollfd pfd[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = top_ask_fd(s->ask), .events = POLLIN },
	};
	int key;

	while (!s->quit &&
	       (s->options->times == 0 || s->answers < s->options->times)) {
		draw(s);
		if (stop_poll(pfd, 2, LOOK_MS) < 0)
			break;
		if (pfd[0].revents & (POLLHUP | POLLERR))
			break; /* the terminal is gone */
		if (pfd[1].revents)
			take_news(s);
		while ((key = getch()) != ERR)
			take_key(s, key);
	}
}

bool top_screen_can(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term &&
	       term[0] && strcmp(term, "dumb") != 0;
}

static void begin_curses(struct top_screen *s)
{
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)nodelay(stdscr, true);
	(void)keypad(stdscr, true);
	(void)set_escdelay(ESCAPE_DELAY_MS);
	s->colour = s->options->colour && has_colors() && start_color() == OK &&
		    use_default_colors() == OK;
	if (!s->colour)
		return;
	(void)init_pair(PAIR_RED, COLOR_RED, -1);
	(void)init_pair(PAIR_YELLOW, COLOR_YELLOW, -1);
	(void)init_pair(PAIR_GREEN, COLOR_GREEN, -1);
}

int top_screen_run(const struct top_options *o)
{
	struct top_screen s = { .options = o,
				.order = { .by = o->by, .reverse = o->reverse },
				.heard = clock_now() };
	struct out out = out_default();
	struct err err;
	SCREEN *screen;

	(void)snprintf(s.filter, sizeof s.filter, "%s", o->filter);
	stop_catch(); /* before curses, which leaves such handlers alone */
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		(void)err_set(&err, EINVAL, NULL,
			      "the terminal \"%s\" is not known; weir top -b "
			      "needs none",
			      getenv("TERM"));
		return out_error(&out, "top", &err);
	}
	begin_curses(&s);
	s.events = json_array();
	s.ask = top_ask_new(o->socket, o->delay_ms, &err);
	if (s.ask)
		run(&s);
	(void)endwin();
	delscreen(screen);
	top_ask_free(s.ask);
	json_decref(s.events);
	json_decref(s.sessions);
	top_model_done(&s.model);
	return s.ask ? CLI_OK : out_error(&out, "top", &err);
}
