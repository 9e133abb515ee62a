/*
 * weir export: the policy (agent_policy.c), or how weir-export is.
 */
#pragma once

/* The first; argv[0] is "export". An exit code. */
int cmd_export_policy(int argc, char **argv);
