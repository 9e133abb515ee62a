/*
 * The words of `weir fleet`; each gets argv from its own name on, and returns an
 * exit code, as a command does (cli.h).
 */
#pragma once

int fleet_retire_server(int argc, char **argv); /* fleet_retire.c */
int fleet_init(int argc, char **argv);		/* fleet_init.c */
int fleet_status(int argc, char **argv);	/* fleet_ask.c */
int fleet_forget_node(int argc, char **argv);
