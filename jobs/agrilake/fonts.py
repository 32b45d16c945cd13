"""Chinese text in charts."""

from __future__ import annotations

from pathlib import Path

from agrilake.errors import UsageError

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "SimHei",
)
FONT_HELP = (
    "没有找到中文字体，图中的汉字会变成方框。请先安装："
    "Debian/Ubuntu 用 sudo apt-get install fonts-noto-cjk，Fedora 用 sudo dnf install google-noto-sans-cjk-fonts，"
    "装好后重新启动内核。"
)


def use_chinese_fonts() -> str:
    """Make matplotlib write Chinese, with a font that is installed; returns its name.

    Raises UsageError that says how to install one where there is none.
    """
    import matplotlib as mpl
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts() if known.isdisjoint(CHINESE_FONTS) else ():
        if "cjk" in Path(path).name.lower():  # installed after matplotlib made its list
            font_manager.fontManager.addfont(path)
    known = {font.name for font in font_manager.fontManager.ttflist}
    found = next((name for name in CHINESE_FONTS if name in known), None)
    if found is None:
        raise UsageError(FONT_HELP)
    mpl.rcParams["font.family"] = "sans-serif"
    mpl.rcParams["font.sans-serif"] = [found, "DejaVu Sans"]
    mpl.rcParams["axes.unicode_minus"] = False
    return found
