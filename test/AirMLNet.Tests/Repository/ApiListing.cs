using System.Text;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace AirMLNet.Tests.Repository;

/// <summary>The public API of some assemblies as a page of Markdown: every namespace, type and member, sorted.</summary>
internal static class ApiListing
{
    private static readonly SymbolDisplayFormat Member = new(
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints,
        memberOptions: SymbolDisplayMemberOptions.IncludeType
            | SymbolDisplayMemberOptions.IncludeParameters
            | SymbolDisplayMemberOptions.IncludeModifiers
            | SymbolDisplayMemberOptions.IncludeRef
            | SymbolDisplayMemberOptions.IncludeConstantValue,
        parameterOptions: SymbolDisplayParameterOptions.IncludeType
            | SymbolDisplayParameterOptions.IncludeName
            | SymbolDisplayParameterOptions.IncludeDefaultValue
            | SymbolDisplayParameterOptions.IncludeParamsRefOut
            | SymbolDisplayParameterOptions.IncludeExtensionThis,
        propertyStyle: SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        delegateStyle: SymbolDisplayDelegateStyle.NameAndSignature,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes
            | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
            | SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers
    );

    private static readonly SymbolDisplayFormat TypeName = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeVariance,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes
            | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
    );

    public static string Write(params System.Reflection.Assembly[] assemblies)
    {
        var types = Types(assemblies);
        var text = new StringBuilder(
            """
            # Public API

            Every public type and member, written from the assemblies by `ApiListingTests`; it fails when this page differs, and
            with `AIRML_UPDATE=1` in the environment it writes the page. Members that every record has are left out; so is what a
            compiler adds.

            | Namespace | Assembly | Public types |
            |---|---|---:|

            """.ReplaceLineEndings("\n")
        );
        var groups = types
            .GroupBy(type => (Namespace: type.ContainingNamespace.ToDisplayString(), Assembly: type.ContainingAssembly.Name))
            .OrderBy(group => group.Key.Namespace, StringComparer.Ordinal)
            .ThenBy(group => group.Key.Assembly, StringComparer.Ordinal)
            .ToArray();
        foreach (var group in groups)
        {
            text.Append($"| {group.Key.Namespace} | {group.Key.Assembly} | {group.Count()} |\n");
        }

        text.Append($"| together | | {types.Length} |\n");
        foreach (var group in groups)
        {
            text.Append($"\n## {group.Key.Namespace} ({group.Key.Assembly})\n\n```csharp\n");
            text.AppendJoin("\n", group.OrderBy(type => type.ToDisplayString(TypeName), StringComparer.Ordinal).Select(Describe));
            text.Append("```\n");
        }

        return text.ToString();
    }

    private static INamedTypeSymbol[] Types(System.Reflection.Assembly[] assemblies)
    {
        var platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var references = platform
            .Select(path =>
                MetadataReference.CreateFromFile(
                    path,
                    documentation: Path.ChangeExtension(path, ".xml") is var xml && File.Exists(xml)
                        ? XmlDocumentationProvider.CreateFromFile(xml)
                        : null
                )
            )
            .ToArray();
        var compilation = CSharpCompilation.Create("listing", references: references);
        return
        [
            .. assemblies.SelectMany(assembly =>
            {
                var reference = references.Single(r => Path.GetFileName(r.FilePath) == Path.GetFileName(assembly.Location));
                return PublicTypes(((IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(reference)!).GlobalNamespace);
            }),
        ];
    }

    private static IEnumerable<INamedTypeSymbol> PublicTypes(INamespaceOrTypeSymbol place) =>
        place
            .GetMembers()
            .OfType<INamespaceOrTypeSymbol>()
            .SelectMany(member =>
                member switch
                {
                    INamedTypeSymbol type => Visible(type) ? PublicTypes(type).Prepend(type) : [],
                    INamespaceSymbol { Name: "OrleansCodeGen" } => [],
                    _ => PublicTypes(member),
                }
            );

    private static bool Visible(ISymbol symbol) =>
        symbol.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal;

    private static string Describe(INamedTypeSymbol type)
    {
        var text = new StringBuilder(Summary(type)).Append(Header(type)).Append('\n');
        if (type.TypeKind == TypeKind.Delegate)
        {
            return text.ToString();
        }

        var members = type.GetMembers().Where(member => IsListed(member, type));
        if (type.TypeKind == TypeKind.Enum)
        {
            return text.AppendJoin("", members.OfType<IFieldSymbol>().Select(field => $"    {field.Name} = {field.ConstantValue}\n"))
                .ToString();
        }

        var lines = members.Select(member =>
        {
            var protection = member.DeclaredAccessibility == Accessibility.Public ? "" : "protected ";
            return $"    {protection}{member.ToDisplayString(Member)}\n";
        });
        // Constructors stand first, other members by name.
        var sorted = members.Zip(
            lines,
            (member, line) => (Last: member is not IMethodSymbol { MethodKind: MethodKind.Constructor }, member.Name, line)
        );
        return text.AppendJoin(
                "",
                sorted
                    .OrderBy(m => m.Last)
                    .ThenBy(m => m.Name, StringComparer.Ordinal)
                    .ThenBy(m => m.line, StringComparer.Ordinal)
                    .Select(m => m.line)
            )
            .ToString();
    }

    /// <summary>What a type is for, as comment lines.</summary>
    private static string Summary(INamedTypeSymbol type)
    {
        var xml = type.GetDocumentationCommentXml();
        var summary = string.IsNullOrEmpty(xml) ? null : XElement.Parse(xml).Element("summary");
        if (summary is null)
        {
            return ""; // The compiler refuses a type of the product without one.
        }

        foreach (
            var reference in summary
                .Descendants()
                .Where(element => element.Name.LocalName is "see" or "paramref" or "typeparamref")
                .ToList()
        )
        {
            var target = (reference.Attribute("cref") ?? reference.Attribute("langword") ?? reference.Attribute("name"))?.Value ?? "";
            reference.ReplaceWith(reference.Value is { Length: > 0 } words ? words : target.Split('(')[0].Split('.', ':')[^1]);
        }

        var text = new StringBuilder();
        var column = 0;
        foreach (var word in summary.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            var begins = column == 0 || column + word.Length > 130;
            text.Append(begins ? (column == 0 ? "// " : "\n// ") : " ").Append(word);
            column = (begins ? 3 : column + 1) + word.Length;
        }

        return text.Append('\n').ToString();
    }

    private static string Header(INamedTypeSymbol type)
    {
        if (type.TypeKind == TypeKind.Delegate)
        {
            return $"public delegate {type.DelegateInvokeMethod!.ReturnType.ToDisplayString(Member)} {type.ToDisplayString(Member)}";
        }

        var kind = (type.TypeKind, type.IsRecord) switch
        {
            (TypeKind.Class, true) => "record",
            (TypeKind.Struct, true) => "record struct",
            (TypeKind.Struct, false) => "struct",
            (TypeKind.Interface, _) => "interface",
            (TypeKind.Enum, _) => "enum",
            _ => "class",
        };
        var modifier = type switch
        {
            { IsStatic: true } => "static ",
            { TypeKind: TypeKind.Class, IsAbstract: true } => "abstract ",
            { TypeKind: TypeKind.Class, IsSealed: true } => "sealed ",
            { TypeKind: TypeKind.Struct, IsReadOnly: true } => "readonly ",
            _ => "",
        };
        string[] bases =
        [
            .. type.BaseType is { SpecialType: SpecialType.None } parent ? [parent.ToDisplayString(TypeName)] : Array.Empty<string>(),
            .. type
                .Interfaces.Where(i => i.DeclaredAccessibility == Accessibility.Public && !(type.IsRecord && i.Name == "IEquatable"))
                .Select(i => i.ToDisplayString(TypeName))
                .Order(StringComparer.Ordinal),
        ];
        return $"public {modifier}{kind} {type.ToDisplayString(TypeName)}{(bases.Length == 0 ? "" : " : ")}{string.Join(", ", bases)}";
    }

    private static bool IsListed(ISymbol member, INamedTypeSymbol type)
    {
        if (
            !Visible(member)
            || member is INamedTypeSymbol
            || (type.TypeKind == TypeKind.Enum && member is not IFieldSymbol { IsConst: true })
        )
        {
            return false;
        }

        if (member is not IMethodSymbol method)
        {
            return !(type.IsRecord && member.Name == "EqualityContract");
        }

        if (method.MethodKind is MethodKind.PropertyGet or MethodKind.PropertySet or MethodKind.EventAdd or MethodKind.EventRemove)
        {
            return false;
        }

        return !type.IsRecord
            || !(
                method.Name
                    is "Equals"
                        or "GetHashCode"
                        or "ToString"
                        or "Deconstruct"
                        or "PrintMembers"
                        or "<Clone>$"
                        or "op_Equality"
                        or "op_Inequality"
                || (
                    method.MethodKind == MethodKind.Constructor
                    && method.Parameters is [var only]
                    && SymbolEqualityComparer.Default.Equals(only.Type, type)
                )
            );
    }
}
