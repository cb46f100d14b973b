using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms.Image;

/// <summary>Marks a member of type <see cref="MLImage"/>, so that its column has the type <see cref="ImageDataViewType"/>.</summary>
public sealed class ImageTypeAttribute : DataViewTypeAttribute
{
    private readonly int _height;
    private readonly int _width;

    public ImageTypeAttribute()
    {
    }

    public ImageTypeAttribute(int height, int width)
    {
        if (height <= 0 || width <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(height), $"Image size {height} x {width}; expected a height and a width of 1 or more.");
        }

        _height = height;
        _width = width;
    }

    public override void Register()
        => DataViewTypeManager.Register(_height == 0 ? new ImageDataViewType() : new ImageDataViewType(_height, _width), typeof(MLImage), this);

    public override bool Equals(DataViewTypeAttribute? other)
        => other is ImageTypeAttribute image && image._height == _height && image._width == _width;

    public override int GetHashCode() => HashCode.Combine(_height, _width);
}
