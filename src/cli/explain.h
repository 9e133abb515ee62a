/*
 * `weir dp explain`: may this connection be, and which rule says so?
 */
#pragma once

/* argv[0] is "explain"; returns an exit code as commands do (cli.h). */
int cmd_dp_explain(int argc, char **argv);
