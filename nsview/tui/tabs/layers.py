"""The Layers tab: the stack on the left, newest on top; what is in a layer on the right."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from nsview.layers.waste import Waste
from nsview.tui.explorer import Explorer
from nsview.tui.explorer_view import ExplorerView
from nsview.tui.file_tree import FileTree
from nsview.tui.help_texts import LAYERS
from nsview.tui.row_table import RowTable
from nsview.tui.rows.blame import WASTE_COLUMNS, waste_note, waste_rows
from nsview.tui.rows.stack import role_words
from nsview.tui.stack_pane import StackPane
from nsview.tui.text_screen import TableScreen
from nsview.tui.view import View

#: Two panes side by side take so many cells; below that one is shown at a time.
_BOTH = 110


class LayersTab(ExplorerView):
    """Two panes; Tab goes to the other one."""

    HELP: ClassVar[str] = LAYERS

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "pane", "pane", key_display="Tab", id="layers.pane"),
        Binding("a", "merged", "merged/layer", id="layers.merged"),
        Binding("slash,f4", "filter", "filter", key_display="/", priority=True, show=False,
                id="view.filter"),
        Binding("w", "waste", "hidden bytes", id="layers.waste"),
        Binding("ctrl+r", "read_again", "read again", show=False, id="layers.read-again"),
    ]  # fmt: skip

    DEFAULT_CSS: ClassVar[str] = """
    LayersTab StackPane, LayersTab FileTree {
        border: round $foreground 30%;
        border-title-color: $foreground 70%;
        &:focus-within { border: round $primary; border-title-color: $text-accent; }
    }
    LayersTab StackPane { width: 9fr; }
    LayersTab FileTree { width: 11fr; }
    LayersTab.-narrow StackPane, LayersTab.-narrow FileTree { border: none; }
    LayersTab.-narrow FileTree { display: none; }
    LayersTab.-narrow.-files StackPane { display: none; }
    LayersTab.-narrow.-files FileTree { display: block; }
    """

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self.stack = StackPane(explorer)
        self.files = FileTree(explorer, shown=0)
        self._merged = False
        self._shows_waste = False

    def compose(self) -> ComposeResult:
        """Left and right."""
        with Horizontal():
            yield self.stack
            yield self.files

    def on_mount(self) -> None:
        """What is in which pane."""
        self.stack.border_title = "stack, newest on top"
        self._title()

    def on_resize(self, event: events.Resize) -> None:
        """One pane or both."""
        self.set_class(event.size.width < _BOTH, "-narrow")

    @property
    def pane(self) -> View:
        """The one with the keyboard."""
        return self.files if self.has_class("-files") else self.stack

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The mouse may have done it."""
        self.set_class(event.widget is self.files.table, "-files")

    def read_more(self) -> None:
        """What is in sight, the changes, then sizes."""
        self.files.read_due()
        self.explorer.read_changes()
        self.explorer.read_sizes()

    def refresh_content(self) -> None:
        """Draw both."""
        self.stack.rebuild()
        self._show_layer()
        self.files.rebuild()
        if self._shows_waste and self.explorer.waste is not None:
            self._show_waste()

    @property
    def remark(self) -> str:
        """Which tree it is where no frame says so, and what is left out of it."""
        alone = self.has_class("-narrow") and self.has_class("-files")
        words = [self._tree_words] if alone else []
        words += [self.files.remark] if self.files.remark else []
        return " · ".join(words)

    @on(RowTable.Highlighted)
    def _moved(self, event: RowTable.Highlighted) -> None:
        if event.table is self.stack.table:
            self._merged = self._merged and not self.stack.table.has_focus
            self.stack.show_details()
            self._show_layer()

    @on(RowTable.Selected)
    def _opened(self, event: RowTable.Selected) -> None:
        if event.table is self.stack.table:
            self.action_pane()

    def _show_layer(self) -> None:
        layer = self.stack.chosen
        self.files.show_layer(None if self._merged or layer is None else layer.index)
        self._title()

    @property
    def _tree_words(self) -> str:
        layer = self.stack.chosen
        if self._merged or layer is None:
            return "merged, as the container sees it"
        return f"layer {layer.index}, {role_words(layer)}"

    def _title(self) -> None:
        self.files.border_title = f"tree: {self._tree_words}"
        self._page.refresh_frame()

    def action_pane(self) -> None:
        """To the other one."""
        self.toggle_class("-files")
        self.pane.focus_content()
        self._page.refresh_frame()

    def action_filter(self) -> None:
        """Of the tree, from wherever one is."""
        if self.pane is self.stack:
            self.action_pane()
        self.files.action_filter()

    def action_merged(self) -> None:
        """The tree of all layers, or of the one under the cursor."""
        self._merged = not self._merged
        self._show_layer()

    def action_waste(self) -> None:
        """What lower layers store and nobody can see."""
        self._shows_waste = True
        if self.explorer.waste is None:
            self.explorer.read_waste()
        else:
            self._show_waste()

    def _show_waste(self) -> None:
        self._shows_waste = False
        waste = self.explorer.waste
        if isinstance(waste, Waste):
            title = "hidden bytes: stored in layer IN, hidden by layer BY"
            screen = TableScreen(title, WASTE_COLUMNS, waste_rows(waste), waste_note(waste))
            self.app.push_screen(screen)
        elif waste is not None:
            self.files.say(waste)

    def action_read_again(self) -> None:
        """Sizes of what is written to, and directories in sight."""
        self.explorer.waste = None
        self.explorer.read_sizes(again=True)
        self.files.action_read_again()

    def leave(self) -> None:
        """Nobody waits for totals or waste any more."""
        self._shows_waste = False
        super().leave()
