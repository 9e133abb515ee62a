#!/bin/bash
# What src/runtime tells of named network namespaces: those that `ip netns`
# makes in /run/netns, and those in a folder of this test's own.
. "$SRC/tests/netns/common_runtimes.sh"

inode() { # NAMESPACE
    stat -Lc %i "/run/netns/$1"
}

# --- the folder is not there yet ---

start_news netns=/run/netns netns="$TEST_DIR/other"
check "no folder: down" 'told("down") == 2'
ip netns add early
check "it appears: up, and what is in it is told" '"early" in now and now["early"]["source"] == 0'
tells "now['early']['ino'] == $(inode early) and now['early']['pid'] == 0"
point $? "with its inode, and no process" "$told"
tells '(lambda a: a["service"] == "early" and a["runtime"] == "netns")(now["early"]["about"])'
point $? "service and runtime" "$told"

# --- come and go ---

ip netns add blue
check "one that is made is told" '"blue" in now'
ip netns del blue
check "one that is deleted is gone" '"blue" not in now'
before=$(wc -l <"$told")
ip netns add blue
check "the same name again" '"blue" in now'
ip netns del blue && ip netns add blue
check "made anew at once: the new one is told" \
    "'blue' in now and now['blue']['ino'] == $(inode blue)"
touch /run/netns/file
mkfifo /run/netns/fifo
ln -s nowhere /run/netns/dangling
mkdir /run/netns/folder
touch /run/netns/self
mount --bind /proc/self/ns/net /run/netns/self
check "the own namespace is the host's network" \
    'now["self"]["ino"] == 0 and now["self"]["about"]["host_network"]'
tells 'set(now) == {"early", "blue", "self"}'
point $? "what is no namespace is none" "$told"
before=$(wc -l <"$told")
mount -t tmpfs none "$TEST_DIR" && umount "$TEST_DIR"
ip netns add marker
check "other mounts are no news" "'marker' in now and len(news) == $before + 1"
for i in $(seq 30); do ip netns add "many$i"; done
check "30 more" 'sum(name.startswith("many") for name in now) == 30'
for i in $(seq 30); do ip netns del "many$i"; done
check "and gone" 'sum(name.startswith("many") for name in now) == 0'

# --- another folder ---

mkdir "$TEST_DIR/other"
touch "$TEST_DIR/other/red"
mount --bind /run/netns/early "$TEST_DIR/other/red"
check "another folder" 'now["red"]["source"] == 1 and now["red"]["ino"] == now["early"]["ino"]'
mv "$TEST_DIR/other" "$TEST_DIR/moved"
mkdir "$TEST_DIR/other"
touch "$TEST_DIR/other/green"
mount --bind /run/netns/blue "$TEST_DIR/other/green"
check "another one of that name" '"green" in now and "red" not in now'
umount "$TEST_DIR/moved/red" "$TEST_DIR/other/green"
rm -r "$TEST_DIR/other"
check "is removed: down" 'news[-1]["news"] == "down" and news[-1]["source"] == 1'
stop_news
point $? "ends in time"
start_news netns=/run/netns
check "there before" 'told("listed") == 1 and set(now) == {"early", "blue", "self", "marker"}'
stop_news
point $? "ends in time"
finish
