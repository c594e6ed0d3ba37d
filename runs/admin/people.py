"""Accounts and groups."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from runs.web.admin_lists import CarefulAdmin
from runs.web.people_admin import RankedGroups, RankedPeople

admin.site.unregister([User, Group])


@admin.register(User)
class PersonAdmin(CarefulAdmin, RankedPeople):
    """Django's page of accounts. An account that may do more than the user's own cannot be changed."""

    search_fields = tuple(f"{name}__mentions" for name in UserAdmin.search_fields)


@admin.register(Group)
class PeopleGroupAdmin(RankedGroups, CarefulAdmin, GroupAdmin):
    """Django's page of groups. A group cannot be given permissions that the user does not have."""

    search_fields = ("name__mentions",)
