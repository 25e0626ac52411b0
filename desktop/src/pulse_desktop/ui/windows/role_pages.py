"""Roles with what they give, and permissions with their topic rules."""

from __future__ import annotations

from ...core.operation import People
from ...core.people.changes import delete
from ...core.people.directory import Named, PermissionShown, RoleShown
from ..bridge import Asking
from ..models.people import (
    PERMISSION_HEADINGS,
    ROLE_HEADINGS,
    Detail,
    permission_detail,
    permission_row,
    role_detail,
    role_row,
)
from ..widgets.listing import Listing
from .people_pages import Page
from .role_forms import PermissionForm, RoleForm, permission_deletion_form, role_deletion_form
from .signed_forms import Changed


class RolesPage(Page[RoleShown]):
    """Roles: make, edit, delete."""

    def __init__(self, bridge: Asking, changed: Changed) -> None:
        listing = Listing(
            ROLE_HEADINGS,
            wide=2,
            right=frozenset({1}),
            empty=("No roles yet", "Make one with what it shall give, then give it to people under Users."),
        )
        super().__init__(bridge, changed, listing, "Select a role to see what it gives and who has it.")
        listing.set_widths(170, 80)
        self._permissions: tuple[Named, ...] = ()
        self.make = self.button("New role", self.open_new, "primary")
        listing.add_button(self.make)
        self.edit = self.action("Edit \u2026", self.open_edit)
        self.end = self.action("Delete \u2026", self.open_deletion, "danger")
        listing.opened.connect(self.edit.click)

    def show_people(self, people: People) -> None:
        """Show the roles."""
        found = people.directory
        self._permissions = tuple(Named(one.name, one.id) for one in found.permissions)
        self.show_items({one.id: one for one in found.roles}, [role_row(one) for one in found.roles])

    def detail(self, item: RoleShown) -> Detail:
        """Return all about a role."""
        return role_detail(item)

    def open_new(self) -> None:
        """Ask for a new role."""
        RoleForm(self.bridge, self.changed, self._permissions, parent=self).pop_up()

    def open_edit(self, item: RoleShown) -> None:
        """Ask for other words and permissions."""
        RoleForm(self.bridge, self.changed, self._permissions, item, parent=self).pop_up()

    def open_deletion(self, item: RoleShown) -> None:
        """Ask before a role is deleted."""
        role_deletion_form(self.bridge, self.changed, item, delete(item.record), self).pop_up()


class PermissionsPage(Page[PermissionShown]):
    """Permissions: make, edit with their topic rules, delete those that the programs do not ask for themselves."""

    def __init__(self, bridge: Asking, changed: Changed) -> None:
        listing = Listing(
            PERMISSION_HEADINGS,
            wide=2,
            right=frozenset({1}),
            empty=("No permissions yet", "They come from the server at the first contact: connect this device once."),
        )
        super().__init__(bridge, changed, listing, "Select a permission to see its topic rules.")
        listing.set_widths(220, 100)
        self.make = self.button("New permission", self.open_new, "primary")
        listing.add_button(self.make)
        self.edit = self.action("Edit \u2026", self.open_edit)
        self.end = self.action("Delete \u2026", self.open_deletion, "danger")
        listing.opened.connect(self.edit.click)

    def show_people(self, people: People) -> None:
        """Show the permissions."""
        found = people.directory.permissions
        self.show_items({one.id: one for one in found}, [permission_row(one) for one in found])

    def detail(self, item: PermissionShown) -> Detail:
        """Return all about a permission."""
        return permission_detail(item)

    def open_new(self) -> None:
        """Ask for a new permission."""
        PermissionForm(self.bridge, self.changed, parent=self).pop_up()

    def open_edit(self, item: PermissionShown) -> None:
        """Ask for other words and rules."""
        PermissionForm(self.bridge, self.changed, item, parent=self).pop_up()

    def open_deletion(self, item: PermissionShown) -> None:
        """Ask before a permission is deleted."""
        permission_deletion_form(self.bridge, self.changed, item, delete(item.record), self).pop_up()
