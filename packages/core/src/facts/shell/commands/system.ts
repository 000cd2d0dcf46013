// Programs that administer a machine: util-linux, e2fsprogs, shadow, systemd and procps manuals.
import type { Call } from "../call.ts";
import type { CommandTable } from "../grammar.ts";
import { empty, literal } from "../text.ts";
import type { Field, Text } from "../text.ts";

export const systemCommands: CommandTable = {
  // These destroy what is on a disk.
  "mkfs mkswap mkntfs mkdosfs newfs newfs_msdos wipefs parted sfdisk cfdisk sgdisk gdisk blkdiscard hdparm badblocks zpool zfs mdadm cryptsetup pvcreate pvremove vgremove lvremove dmsetup nvme tune2fs resize2fs e2label xfs_repair debugfs":
    { effects: ["hazard:disk"], noHelp: false },
  fdisk: {
    run: (call) =>
      disk(
        call,
        call.args.filter((item) => isOption(item.text)),
        /^(?:-l|--list|-x|--list-details)$/,
      ),
  },
  // Its verb stands first, and what looks like another behind it is the name of something.
  diskutil: { run: (call) => disk(call, call.args.slice(0, literal(call.args[0]) === "apfs" ? 2 : 1), /^(?:list|info|activity|apfs)$/) },
  fsck: { effects: ["privilege:disk"] },
  "mount umount swapon swapoff losetup fusermount eject hdiutil kpartx partprobe": { effects: ["privilege:mount"] },
  "insmod rmmod modprobe depmod kexec dkms": { effects: ["privilege:kernel"] },
  "useradd userdel usermod groupadd groupdel groupmod adduser deluser addgroup delgroup passwd chpasswd chsh chfn gpasswd newgrp sg vipw vigr visudo sudoedit chage dscl dseditgroup newusers pwconv":
    { effects: ["privilege:accounts"] },
  "iptables ip6tables nft ufw firewall-cmd pfctl ipset ebtables tc brctl ovs-vsctl": { effects: ["privilege:firewall"] },
  "setenforce semanage setsebool restorecon chcon apparmor_parser aa-disable aa-complain auditctl csrutil spctl tccutil kmutil nvram bless":
    { effects: ["privilege:security"] },
  "shutdown reboot halt poweroff init telinit pmset": { effects: ["privilege:power"] },
  "systemctl service launchctl rc-service rc-update update-rc.d chkconfig initctl sv s6-svc supervisorctl loginctl machinectl hostnamectl timedatectl localectl networkctl systemd-nspawn":
    { effects: ["change:services"] },
  "ldconfig update-alternatives update-initramfs update-grub grub-install grub-mkconfig efibootmgr": {
    effects: ["privilege:system"],
  },
  "kill killall pkill xkill skill snice renice killall5": { run: signal },
  "stress stress-ng": { effects: ["change:load"] },
  sync: { options: "-d,--data  -f,--file-system", operands: "list", run: () => empty },
  "canopy canopy-verify canopy-demo canopy.js canopy-verify.js canopy-demo.js": { effects: ["privilege:canopy"] },
  "defaults plutil scutil networksetup systemsetup osacompile": { effects: ["change:settings"] },
  "gsettings dconf gconftool-2 xdg-settings xdg-mime xdg-open open": { effects: ["change:desktop", "code:desktop"] },
};

/** Only looks at disks where each of the words that say what it does is one that only looks. */
function disk(call: Call, words: readonly Field[], reads: RegExp): Text {
  if (words.length === 0 || !words.every((item) => reads.test(literal(item) ?? ""))) call.effect("hazard:disk");
  return empty;
}

/** Whether the word is an option, as far as is known. */
function isOption(text: string): boolean {
  return !/^[\w./]/.test(text);
}

/** A signal to process `-1` reaches every process of the user (kill(2)); one to `1` reaches the first. */
function signal(call: Call): Text {
  const words = call.args.map(literal);
  if (words.length === 1 && /^-(?:l|L|-list)$/.test(words[0] ?? "")) return empty;
  call.effect("change:processes");
  if (call.program === "killall5") call.effect("hazard:kill_all");
  if (call.program === "kill") {
    const signalled = words.findIndex((word) => word !== undefined && /^-(?:\d+|[A-Za-z][A-Za-z0-9+]*|s.*|n.*|-signal.*)$/.test(word));
    const behind = signalled < 0 ? words : words.slice(signalled + (/^(?:-s|-n|--signal)$/.test(words[signalled] ?? "") ? 2 : 1));
    if (behind.includes("-1") || words.slice(words.indexOf("--") + (words.includes("--") ? 1 : words.length)).includes("-1"))
      call.effect("hazard:kill_all");
  }
  if (call.program === "pkill" && words.some((word) => word === "." || word === ".*" || word === "")) call.effect("hazard:kill_all");
  if (call.program !== "kill" && words.some((word) => word === "-1")) call.effect("hazard:kill_all");
  return empty;
}
