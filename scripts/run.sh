#!/bin/sh
# exacta on its own Node, Dawn and Vulkan loader, for x86-64 Linux with glibc and a graphics driver: ./run --help
program=$0
[ -L "$program" ] && program=$(readlink -f "$program")
here=$(CDPATH='' cd "$(dirname "$program")" && pwd)
linker=/lib64/ld-linux-x86-64.so.2
if [ ! -x "$linker" ]; then
  echo "run: expected x86-64 Linux with glibc 2.34 or newer, got one without $linker" >&2
  exit 2
fi
# Some containers have NVIDIA's driver here, where nothing looks for it.
nvidia=/usr/local/nvidia
libraries=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib:$nvidia/lib64:$nvidia/lib

# Whether, with these folders, the linker finds all that a library links.
links() {
  case $(LD_LIBRARY_PATH=$1 "$linker" --list "$2" 2>&1) in
    *'not found'* | *'cannot open'*) return 1 ;;
  esac
}
# The system's own libraries are taken where they will do: its driver may want newer ones than these.
spare() {
  links "$libraries" "$2" || ! links "$here/lib/$1:$libraries" "$3" || libraries=$here/lib/$1:$libraries
}
dawn=$here/node_modules/webgpu/dist/linux-x64/dawn.node
spare cpp "$dawn" "$dawn"
spare x11 libXext.so.6 "$here/lib/x11/libXext.so.6"

export LD_LIBRARY_PATH="$libraries"
export VK_ADD_DRIVER_FILES="${VK_ADD_DRIVER_FILES:+$VK_ADD_DRIVER_FILES:}$nvidia/share/vulkan/icd.d"
exec "$here/node" "$here/dist/node/exacta.js" "$@"
